// Finds sections, terms and functions. A word counts the more the fewer parts have it, and most where
// a title, or the phrase by which another page leads there, consists of what was asked.
"use strict";
{
  const SHOWN = 20; // results at most
  const asked = new URLSearchParams(location.search).get("q") ?? "";

  // Words as they stand, 1e-8 among them, and without their endings: softmaxes, vectorized.
  const WORD = /\d+(?:\.\d+)?e[-+]?\d+|[\p{L}\p{N}_]+/gu;
  const stem = (word) =>
    word.length < 5
      ? word
      : word.replace(/iz/, "is").replace(/(?<=...)(ations?|ings?|ions?|ed|(?<=s|x)es|e|(?<!s)s)$/, "");
  const stems = (text) => {
    const words = text.toLowerCase().replaceAll("−", "-").match(WORD) ?? [];
    return words.flatMap((word) => (word.includes("_") ? [word, ...word.split("_")] : [word])).map(stem);
  };

  // Words that say nothing of what is asked, unless there are no others.
  const FILLERS = new Set(
    `a an and any are as at be by can could did do does for from has have how i if in is it its me
    must my not of on or should so than that the then there they this to was we what when where
    which who whose why will with would you your`.split(/\s+/).map(stem),
  );
  const telling = (words) => {
    const kept = words.filter((word) => !FILLERS.has(word));
    return kept.length > 0 ? kept : words;
  };
  // A whole question is answered shortest on the page of questions.
  const isQuestion = /^(why|how|what|which|when|where|who|is|are|do|does|can|should|must|may)\b.*\s|\?\s*$/i.test(asked);

  const count = (words) => {
    const counts = new Map();
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
    return counts;
  };
  const parts = SECTIONS.map(([page, anchor, title, chapter, phrases, text]) => {
    const words = stems(text);
    const names = [title.replace(/^[\d.]+ /, ""), ...phrases]
      .map((name) => new Set(telling(stems(name))))
      .filter((name) => name.size > 0);
    const verbatim = [title, ...phrases].some((name) => name.toLowerCase().includes(asked.trim().toLowerCase()));
    const counts = count([...words, ...names.flatMap((name) => [...name])]);
    return { page, anchor, title, chapter, text, names, verbatim, counts, length: words.length };
  });
  const vocabulary = count(parts.flatMap((part) => [...part.counts.keys()]));

  // What nobody wrote may be the beginning of a word.
  const meant = (word) => {
    if (vocabulary.has(word)) return [word];
    return [...vocabulary.keys()].filter((known) => word.length > 2 && known.startsWith(word));
  };
  const weight = (word) => Math.log(1 + parts.length / vocabulary.get(word));

  const score = (part, wanted) => {
    let sum = 0;
    for (const word of wanted) {
      const times = part.counts.get(word) ?? 0;
      sum += (weight(word) * times) / (times + 1 + part.length / 400);
    }
    const named = part.names.map((name) => {
      const said = [...wanted].filter((word) => name.has(word));
      return (said.length / name.size) * said.reduce((all, word) => all + weight(word), 0);
    });
    const worth = (sum + 4 * Math.max(0, ...named)) * (part.verbatim ? 1.3 : 1);
    return isQuestion && part.page === "book/questions" ? 1.5 * worth : worth;
  };

  // The text round the first place where one of the words stands, with all of them marked.
  const quotation = (text, wanted) => {
    const places = [...text.matchAll(WORD)].filter((found) => stems(found[0]).some((word) => wanted.has(word)));
    const from = text.lastIndexOf(" ", Math.max(0, (places[0]?.index ?? 0) - 80)) + 1;
    const to = Math.min(text.length, from + 220);
    const quoted = document.createElement("p");
    let at = from;
    for (const { 0: word, index } of places) {
      if (index < at || index + word.length > to) continue;
      const mark = document.createElement("mark");
      mark.textContent = word;
      quoted.append(text.slice(at, index), mark);
      at = index + word.length;
    }
    quoted.append(text.slice(at, to));
    if (from > 0) quoted.prepend("… ");
    if (to < text.length) quoted.append(" …");
    return quoted;
  };

  const show = (part, wanted) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `${part.page}.html#${part.anchor}`;
    link.textContent = part.title;
    item.append(link);
    if (part.chapter !== part.title) {
      const where = document.createElement("span");
      where.className = "search-where";
      where.textContent = ` in ${part.chapter}`;
      item.append(where);
    }
    item.append(quotation(part.text, wanted));
    return item;
  };

  const words = telling(stems(asked));
  const unknown = words.filter((word) => meant(word).length === 0);
  const wanted = new Set(words.flatMap(meant));
  const ranked = parts
    .map((part) => ({ part, worth: score(part, wanted) }))
    .filter(({ worth }) => worth > 0)
    .sort((a, b) => b.worth - a.worth)
    .slice(0, SHOWN);
  for (const field of document.querySelectorAll("input[name=q]")) field.value = asked;
  document.getElementById("search-results").append(...ranked.map(({ part }) => show(part, wanted)));
  if (words.length > 0) {
    const status = document.getElementById("search-status");
    if (ranked.length === 0) status.textContent = `Nothing in the book has “${asked}”.`;
    else if (unknown.length > 0) status.textContent = `Nothing in the book has “${unknown.join("”, “")}”; for the rest:`;
    document.getElementById("search-else").hidden = false;
  }
}
