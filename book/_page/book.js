// Paper is white: print in the light theme's colours, then go back.
{
  const root = document.documentElement;
  let theme;
  addEventListener("beforeprint", () => {
    theme = root.dataset.theme;
    root.dataset.theme = "light";
  });
  addEventListener("afterprint", () => (root.dataset.theme = theme));
}

// What scrolls inside its box must scroll without a mouse too.
const reachWide = () => {
  for (const box of document.querySelectorAll(".bd-article :is(pre, table, mjx-container)"))
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
};
addEventListener("load", reachWide);
addEventListener("resize", reachWide); // also after an uncovering, see reading.js
