// Symbols that light up: point at one, or press its button, and it is tinted in the formula, in the
// sentences about it and in the line of code. One at a time, so the tint itself means nothing.
// A label (symbols-...)= stands above the sentence; the line of code ends what belongs together.
"use strict";
{
  // What the code calls a symbol that it cannot spell.
  const NAMES = { e: "exp", "∑": "sum" };

  // A drawn letter has no text, but a class with its code point, such as mjx-c1D465 for an italic x.
  const letter = (drawn) =>
    String.fromCodePoint(parseInt(drawn.classList[0].slice("mjx-c".length), 16)).normalize("NFKD");

  const spelled = (mark) =>
    mark.localName === "span"
      ? mark.textContent
      : [...mark.querySelectorAll("mjx-c[class]")].map(letter).join("");

  const parts = (start) => {
    const found = [start];
    while (!found.at(-1).matches(".highlight-python")) found.push(found.at(-1).nextElementSibling);
    return found;
  };

  for (const label of document.querySelectorAll("[id^='symbols-']")) {
    const group = parts(label);
    const code = group.at(-1);
    const named = new Set([...code.querySelectorAll("span")].map(spelled));
    const marks = new Map(); // of each name, where it stands
    const letters = new Map(); // of each name, as the formula writes it
    for (const mark of group.flatMap((part) => [
      ...part.querySelectorAll("mjx-math :is(mjx-mi, mjx-mo), .highlight span"),
    ])) {
      const name = NAMES[spelled(mark)] ?? spelled(mark);
      if (!/^\w+$/.test(name) || !named.has(name)) continue;
      marks.set(name, [...(marks.get(name) ?? []), mark]);
      if (mark.localName !== "span") letters.set(name, spelled(mark));
    }

    let pressed = null;
    const buttons = new Map();
    const light = (name) => {
      for (const [each, places] of marks)
        for (const mark of places) mark.classList.toggle("lit", each === name);
    };
    for (const [name, shown] of letters) {
      const button = document.createElement("button");
      button.innerHTML = `<i>${shown}</i>`;
      button.ariaPressed = "false";
      button.addEventListener("click", () => {
        pressed = pressed === name ? null : name;
        for (const [each, other] of buttons) other.ariaPressed = String(each === pressed);
        light(pressed);
      });
      buttons.set(name, button);
      for (const mark of [button, ...marks.get(name)]) {
        mark.addEventListener("pointerenter", () => light(name));
        mark.addEventListener("pointerleave", () => light(pressed));
      }
    }
    const row = document.createElement("div");
    row.className = "symbols";
    row.role = "group";
    row.ariaLabel = "Show a symbol in the formula, the text and the code";
    row.append("Press a symbol to find it in all three:", ...buttons.values());
    code.before(row);
  }
}
