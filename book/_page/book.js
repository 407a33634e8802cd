// Search results quote their pages, which a browser may fetch over http only. From a USB stick the
// results come without quotations instead of with an error for each.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

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
addEventListener("load", () => {
  for (const box of document.querySelectorAll(".bd-article :is(pre, table, div.math, mjx-container)"))
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
});

// MathJax draws all formulas of a page and shows them together. Draw the first ones by themselves:
// they are what the reader is looking at.
if (window.MathJax)
  MathJax.startup = {
    pageReady: async () => {
      const formulas = [...document.querySelectorAll(".math")];
      for (const some of [formulas.slice(0, 6), formulas.slice(6)]) {
        if (some.length > 0) await MathJax.typesetPromise(some);
        await new Promise((painted) => setTimeout(painted));
      }
    },
  };
