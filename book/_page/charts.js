// Puts a moving chart in the place of each still one. Vega is loaded only on pages that have charts.
(() => {
  "use strict";
  const bundle = new URL("vega.js", document.currentScript.src).href; // over http and from file://

  const loadVega = () =>
    new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = bundle;
      script.onload = resolve;
      script.onerror = () => reject(new Error(`charts stay still: ${bundle} did not load`));
      document.head.append(script);
    });

  // Beside a slider, the value of a signal in place of the slider's own number.
  const write = (view, slider, signal) => {
    const own = slider.nextElementSibling;
    const shown = own.cloneNode();
    own.hidden = true;
    own.before(shown);
    const say = () => (shown.textContent = slider.ariaValueText = view.signal(signal));
    view.addSignalListener(signal, say);
    say();
  };

  // A handle on top of the drawing. Only there does a finger drag; elsewhere it scrolls the page.
  const drag = (view, stage, label) => {
    const handle = document.createElement("button");
    handle.type = "button";
    handle.className = "chart-handle";
    handle.ariaLabel = label;
    stage.prepend(handle); // before the sliders below it

    // Where the axes begin in the picture, in pixels.
    const begin = () => view.origin().map((at, i) => at + view.padding()[["left", "top"][i]]);
    const place = () => {
      const [x, y] = view.signal("handle");
      const [left, top] = begin();
      handle.style.left = `${left + view.scale("x")(x)}px`;
      handle.style.top = `${top + view.scale("y")(y)}px`;
    };
    const pull = async (x, y) => {
      await view.signal("pullX", x).signal("pullY", y).runAsync();
      view.signal("pulled").forEach((value, i) => view.signal(`z${i + 1}`, value));
      await view.runAsync();
    };
    handle.addEventListener("pointerdown", (event) => {
      handle.setPointerCapture(event.pointerId);
      handle.focus();
      event.preventDefault();
    });
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const box = stage.querySelector("svg").getBoundingClientRect();
      const [left, top] = begin();
      pull(
        view.scale("x").invert(event.clientX - box.left - left),
        view.scale("y").invert(event.clientY - box.top - top),
      );
    });
    handle.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!by) return;
      event.preventDefault(); // the page stays where it is
      const [x, y] = view.signal("handle");
      pull(x + 0.03 * by[0], y + 0.03 * by[1]);
    });
    view.addSignalListener("handle", place);
    view.addResizeListener(() => view.runAfter(place));
    place();
  };

  const draw = async (chart) => {
    const spec = JSON.parse(chart.querySelector("script").textContent);
    const stage = document.createElement("div");
    stage.className = "chart-stage";
    chart.append(stage);
    const view = new vega.View(vega.parse(spec), { container: stage, renderer: "svg" });
    await view.runAsync();
    chart.querySelector(".chart-picture").remove();

    for (const binding of stage.querySelectorAll(".vega-bind")) {
      const name = binding.querySelector(".vega-bind-name").textContent;
      const slider = binding.querySelector("input[type=range]");
      // Otherwise the changing number would be part of the control's name.
      if (slider) slider.ariaLabel = name;
      else Object.assign(binding, { role: "radiogroup", ariaLabel: name });
      if (spec.usermeta.shows[slider?.name]) write(view, slider, spec.usermeta.shows[slider.name]);
    }
    if (spec.usermeta.handle) drag(view, stage, spec.usermeta.handle);
    // As wide as its column, which also changes without the window: a sidebar hides or slides in.
    new ResizeObserver(() => {
      if (stage.clientWidth > 0) view.signal("width", stage.clientWidth).runAsync();
    }).observe(stage);

    const words = document.createElement("output");
    words.className = "chart-words";
    words.textContent = view.signal("says");
    chart.append(words);
    let soon; // a screen reader should hear where a slider stops, not each step on the way
    view.addSignalListener("says", (_, says) => {
      clearTimeout(soon);
      soon = setTimeout(() => (words.textContent = says), 150);
    });
    chart.view = view; // for tests and the curious
    chart.dataset.drawn = "";
  };

  // A chart moves once it is less than a window away: nobody waits for what is screens below.
  addEventListener("DOMContentLoaded", () => {
    let loaded;
    const near = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries) {
          if (!isIntersecting) continue;
          near.unobserve(target);
          loaded ??= loadVega();
          loaded.then(() => draw(target));
        }
      },
      { rootMargin: "100%" },
    );
    for (const chart of document.querySelectorAll(".chart")) near.observe(chart);
  });
})();
