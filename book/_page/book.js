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

// A formula a little too wide gets smaller letters, down to four fifths; a wider one scrolls.
// What scrolls inside its box must scroll without a mouse too.
const reachWide = () => {
  const formulas = document.querySelectorAll("div.math > mjx-container");
  for (const formula of formulas) formula.style.removeProperty("--fit");
  const fits = [...formulas].map((formula) => formula.clientWidth / formula.scrollWidth);
  for (const [n, formula] of formulas.entries())
    if (fits[n] < 1) formula.style.setProperty("--fit", Math.max(fits[n] - 0.01, 0.8));
  for (const box of document.querySelectorAll(".bd-article :is(pre, table, mjx-container)"))
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
};
addEventListener("load", reachWide);
addEventListener("resize", reachWide); // also after an uncovering, see reading.js
