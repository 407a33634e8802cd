// What scrolls inside its box says so: it fades where it goes on, can be reached by keyboard, and has
// a name. A table keeps its role.
const DISPLAYED = ".bd-article div.math > mjx-container";
const NAMES = { PRE: "Output", TABLE: "Table", "MJX-CONTAINER": "Formula" };
const markWide = (box) => {
  const hidden = box.scrollWidth - box.clientWidth;
  box.classList.toggle("more-before", box.scrollLeft > 1);
  box.classList.toggle("more-after", hidden - box.scrollLeft > 1);
  const wide = hidden > 1;
  box.ariaLabel = wide ? `${NAMES[box.tagName]}, scrolls sideways` : null;
  if (box.tagName !== "TABLE") box.role = wide ? "group" : null;
  if (wide) box.tabIndex = 0;
  else box.removeAttribute("tabindex");
};

// A formula a little too wide gets smaller letters, down to four fifths; a wider one scrolls.
const reachWide = () => {
  const formulas = document.querySelectorAll(DISPLAYED);
  for (const formula of formulas) formula.style.removeProperty("--fit");
  const fits = [...formulas].map((formula) => formula.clientWidth / formula.scrollWidth);
  for (const [n, formula] of formulas.entries())
    if (fits[n] < 1) formula.style.setProperty("--fit", Math.max(fits[n] - 0.01, 0.8));
  for (const box of document.querySelectorAll(`.bd-article :is(pre, table), ${DISPLAYED}`)) markWide(box);
};
addEventListener("scroll", ({ target }) => NAMES[target.tagName] && markWide(target), true);
// The column changes its size with the window, with the contents, which the theme puts beside it once
// the window has grown, and with what a fold or an answer uncovers.
addEventListener("load", () => {
  const again = new ResizeObserver(() => requestAnimationFrame(reachWide));
  for (const column of document.querySelectorAll(".bd-article")) again.observe(column);
});

// Whoever closes the search goes on where it was opened.
addEventListener("click", ({ target }) => {
  const button = target.closest(".search-button__button");
  const dialog = document.querySelector("#pst-search-dialog");
  if (button) dialog.addEventListener("close", () => button.focus(), { once: true });
});

// A menu that lies over the page makes way for what was chosen in it, and for its own column once the
// window is wide enough (for the theme).
addEventListener("click", ({ target }) => target.closest("dialog a[href^='#']")?.closest("dialog").close());
for (const [side, width] of [["primary", 992], ["secondary", 1200]])
  matchMedia(`(min-width: ${width}px)`).addEventListener("change", () => {
    document.querySelector(`#pst-${side}-sidebar-modal`)?.close();
  });
