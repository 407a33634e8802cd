// What the browser remembers of a reader, and the switches in the page's header. Nothing is sent
// anywhere. Runs in the head, before anything is painted, so that nothing jumps.
"use strict";

// Where the browser keeps nothing (all cookies refused, no room left) it throws, and the theme's
// scripts would stop there, menu and search with them. Then it is kept for this page only.
try {
  localStorage.setItem("softmax-lab", "");
} catch {
  let kept = {};
  try {
    kept = { ...localStorage };
  } catch {}
  const getItem = (name) => kept[name] ?? null;
  const setItem = (name, value) => (kept[name] = String(value));
  Object.defineProperty(window, "localStorage", { value: { getItem, setItem } });
}

// As light or dark as the system, unless the reader has chosen. The theme says only after the first
// paint which of the two "auto" is: code would get its colours and its height late.
{
  const { dataset } = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem("mode") || "auto";
  const dress = () => {
    const own = ["light", "dark"].includes(dataset.mode);
    dataset.theme = own ? dataset.mode : system.matches ? "dark" : "light";
  };
  dataset.mode = chosen();
  dress();
  // Paper is white: print in the light theme's colours, then go back.
  addEventListener("beforeprint", () => (dataset.theme = "light"));
  addEventListener("afterprint", dress);
  // Back brings a page as it was left; what the reader has chosen on the next one holds for both.
  addEventListener("pageshow", ({ persisted }) => persisted && chosen() !== dataset.mode && location.reload());
}

// Objects, kept under one name each. Each change is made to what is kept by then: another tab may
// have changed it as well. What is no object was not written here.
const memory = {
  get(name) {
    let kept;
    try {
      kept = JSON.parse(localStorage.getItem(`softmax-lab ${name}`));
    } catch {}
    return Object.prototype.toString.call(kept) === "[object Object]" ? kept : {};
  },
  // Nothing (undefined) is forgotten.
  set(name, key, value) {
    try {
      localStorage.setItem(`softmax-lab ${name}`, JSON.stringify({ ...this.get(name), [key]: value }));
    } catch {} // no room for more
  },
};

// The page's own type, which is in its style sheets: read it now, and not at the first line set in
// another face that it would then push about.
for (const face of document.fonts) if (/Source|Awesome/.test(face.family)) face.load();

// What counts what is in sight counts again, as when the window resizes.
const uncovered = () => dispatchEvent(new Event("resize"));

// A switch named "answers" sets data-answers on the page's root; style sheets do the rest.
{
  const root = document.documentElement;
  const show = () => {
    const switches = memory.get("switches");
    for (const name of ["answers", "core"]) root.toggleAttribute(`data-${name}`, !!switches[name]);
    for (const button of document.querySelectorAll("[data-switch]"))
      button.ariaChecked = String(!!switches[button.dataset.switch]);
  };
  show();
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    show(); // by Back: they may have been switched on another page
    uncovered();
  });

  // Whatever a link leads to must be in sight: open the covers and folds round it. What is in sight
  // already is left to the browser: by Back it goes where the reader was.
  const reach = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target || target.checkVisibility()) return;
    for (let part = target; part; part = part.parentElement) {
      if (part.matches(".covered")) part.previousElementSibling.toggleAttribute("data-passed", true);
      if (part.matches(".deeper")) part.toggleAttribute("data-open", true);
      if (part.matches("details")) part.open = true;
    }
    uncovered();
    target.scrollIntoView();
  };

  addEventListener("DOMContentLoaded", () => {
    show();
    for (const button of document.querySelectorAll("[data-switch]"))
      button.addEventListener("click", () => {
        memory.set("switches", button.dataset.switch, button.ariaChecked !== "true");
        show();
        uncovered();
      });
    for (const button of document.querySelectorAll(".unfold"))
      button.addEventListener("click", () => {
        button.closest(".deeper").toggleAttribute("data-open", true);
        uncovered();
        // The button is gone: whoever reads by keyboard goes on with what it has opened.
        button.nextElementSibling.tabIndex = -1;
        button.nextElementSibling.focus({ preventScroll: true });
      });
    if (location.hash) reach();
  });
  addEventListener("hashchange", reach);
  // The address stays when a link is followed again, after its target was covered once more.
  addEventListener("click", ({ target }) => target.closest("a")?.href === location.href && reach());
}
