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

  const draw = async (chart) => {
    const spec = JSON.parse(chart.querySelector("script").textContent);
    delete spec.$schema; // names an older Vega-Lite, for JupyterLab's sake
    spec.width = "container";
    spec.autosize = { type: "fit-x", contains: "padding" };

    const stage = document.createElement("div");
    stage.className = "chart-stage";
    chart.append(stage);
    const { view } = await vegaEmbed(stage, spec, { mode: "vega-lite" });
    chart.querySelector(".chart-picture").remove();

    for (const label of stage.querySelectorAll(".vega-bind label")) {
      // Otherwise the changing number would be part of the control's name.
      const name = label.querySelector(".vega-bind-name").textContent;
      for (const control of label.querySelectorAll("input, select")) control.ariaLabel = name;
    }

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

  addEventListener("DOMContentLoaded", async () => {
    const charts = [...document.querySelectorAll(".chart")];
    if (charts.length === 0) return;
    await loadVega();
    await Promise.all(charts.map(draw));
  });
})();
