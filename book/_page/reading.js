// What the browser remembers of a reader, and the switches in the page's header. Nothing is sent
// anywhere. Runs in the head, before anything is painted, so that nothing jumps.
"use strict";

// As light or dark as the system, unless the reader has chosen. The theme says only after the first
// paint which of the two "auto" is: code would get its colours and its height late.
{
  const { dataset } = document.documentElement;
  dataset.mode = "auto";
  try {
    dataset.mode = localStorage.getItem("mode") || "auto";
  } catch {} // a browser that keeps nothing
  if (dataset.mode === "auto")
    dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

// Kept under one name each; where the browser keeps nothing (private windows), for this page only.
const memory = {
  get(name) {
    try {
      return JSON.parse(localStorage.getItem(`softmax-lab ${name}`)) ?? {};
    } catch {
      return {};
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`softmax-lab ${name}`, JSON.stringify(value));
    } catch {}
  },
};

// The page's own type, which is in its style sheets: read it now, and not at the first line set in
// another face that it would then push about.
for (const face of document.fonts) if (/Source|Awesome/.test(face.family)) face.load();

// What comes into sight has no size before: charts look again when the window resizes.
const uncovered = () => dispatchEvent(new Event("resize"));

// A switch named "answers" sets data-answers on the page's root; style sheets do the rest.
{
  const root = document.documentElement;
  const switches = memory.get("switches");
  const show = () => {
    for (const name of ["answers", "core"]) root.toggleAttribute(`data-${name}`, !!switches[name]);
    for (const button of document.querySelectorAll("[data-switch]"))
      button.ariaChecked = String(!!switches[button.dataset.switch]);
  };
  show();

  // Whatever a link leads to must be in sight: open the cover or the fold round it.
  const reach = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const closed = target.closest(".covered");
    closed?.previousElementSibling.toggleAttribute("data-passed", true);
    for (let part = target.closest(".deeper"); part; part = part.parentElement.closest(".deeper"))
      part.toggleAttribute("data-open", true);
    target.closest("details")?.toggleAttribute("open", true);
    uncovered();
    target.scrollIntoView();
  };

  addEventListener("DOMContentLoaded", () => {
    show();
    for (const button of document.querySelectorAll("[data-switch]"))
      button.addEventListener("click", () => {
        switches[button.dataset.switch] = !switches[button.dataset.switch];
        memory.set("switches", switches);
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
}
