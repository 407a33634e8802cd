// Finds sections, terms and functions. A word counts the more the fewer parts have it, and most where
// a title, or the phrase by which another page leads there, consists of what was asked.
"use strict";
{
  const SHOWN = 20; // results at most
  const IN_PART = 5; // at most where a word that was asked for stands nowhere

  // Words as they stand, 1e-8 and -inf among them, and compounds whole: multi-label, log_softmax.
  const WORD = /\d+(?:\.\d+)?e[-+]?\d+|(?<![\p{L}\p{N})])-(?:∞|inf(?:inity)?(?!\p{L}))|∞|[\p{L}\p{N}]+(?:[-_]+[\p{L}\p{N}]+)*/gu;
  const CAMEL = /(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u; // BCEWithLogitsLoss
  const found = (text) => [...text.replaceAll("−", "-").matchAll(WORD)];
  // Without their endings: softmaxes, vectorized, stability, derivation. These two say something else.
  const WHOLE = new Set(["distributed", "meaning"]);
  const stem = (word) => {
    if (word.length < 5 || WHOLE.has(word)) return word;
    return word
      .replace(/infinit[ey]$/, "inf")
      .replace(/iz/, "is")
      .replace(/(?<=....)ly$/, "")
      .replace(/(?<=..)(ilit(y|ies)|les?)$/, "l")
      .replace(/(?<=...)(at(e[ds]?|ing|ions?|ives?)|ings?|ions?|ed|(?<=s|x)es|e|(?<!s)s)$/, "")
      .replace(/(?<=..)([bgmnprt])\1$/, "$1");
  };
  // The stems of a word, and of what it is put together from.
  const stemsOf = (word) => {
    if (/^-?∞|^-inf/i.test(word)) return [word.startsWith("-") ? "-inf" : "inf"];
    if (/\de[-+]?\d+$/.test(word)) return [word];
    const pieces = word.split(/[-_]+/).flatMap((piece) => piece.split(CAMEL));
    const joined = word.replace(/[-_]/g, "");
    return [...new Set([joined, ...pieces].map((each) => stem(each.toLowerCase())))];
  };
  const stems = (text) => found(text).flatMap(([word]) => stemsOf(word));

  // What asks for the same thing.
  const ALIKE = [
    ["gradient", "derivative"],
    ["dimension", "dim", "axis"],
    ["prob", "probs", "probability"],
    ["ln", "log"],
  ].map((words) => words.map(stem));

  // Words that say nothing of what is asked, unless there are no others.
  const FILLERS = new Set(
    `a an and any are as at be by can could did do does doesn doesnt don dont explained for from has
    have how i if in is isn it its me meaning must my not of on or s should so t than that the then
    there they this to us versus vs was we what when where which who whose why will with would you
    your`.split(/\s+/),
  );
  const telling = (words) => {
    const kept = words.filter((word) => !FILLERS.has(word.toLowerCase()));
    return kept.length > 0 ? kept : words;
  };
  // A whole question is answered shortest on the page of questions.
  const QUESTION = /^(why|how|what|which|when|where|who|is|are|do|does|can|should|must|may)\b.*\s|\?\s*$/i;
  // What explains comes before what only names or lists.
  const LISTS = /^book\/(api|claims|notation|bibliography|teachers|containers|transforms|next)$/;

  const count = (counts, words, times) => {
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + times);
    return counts;
  };
  const spoken = new Map(); // words of the prose as they stand: what a misspelt one may have meant
  const parts = SECTIONS.map(([page, anchor, title, chapter, phrases, text, code]) => {
    const heading = title.replace(/^[\d.]+ /, "");
    const names = [heading, ...phrases]
      .map((name) => new Set(telling(found(name).map(([word]) => word)).flatMap(stemsOf)))
      .filter((name) => name.size > 0);
    const whole = [title, ...phrases].map((name) => name.toLowerCase());
    const words = stems(text);
    const counts = count(new Map(), [...words, ...names.flatMap((name) => [...name])], 1);
    count(counts, stems(code), 0.5);
    count(spoken, found([text, heading, ...phrases].join(" ")).map(([word]) => word.toLowerCase()), 1);
    const list = LISTS.test(page) || heading === "Further reading";
    return { page, anchor, title, chapter, text, names, whole, counts, list, length: words.length };
  });
  const vocabulary = parts.reduce((all, part) => count(all, part.counts.keys(), 1), new Map());

  // What nobody wrote may be the beginning of a word, or several in one: logprobs.
  const beginnings = (word) => [...vocabulary.keys()].filter((known) => word.length > 3 && known.startsWith(word));
  const longest = Math.max(...[...spoken.keys()].map((word) => word.length));
  const cut = (word, whole = new Set()) => {
    if (whole.has(word)) return; // by another way there: it cannot be cut
    for (let at = Math.min(word.length - 2, longest); at >= 2; at--) {
      const [left, right] = [stem(word.slice(0, at)), word.slice(at)];
      if (!spoken.has(word.slice(0, at)) || FILLERS.has(word.slice(0, at))) continue;
      if (spoken.has(right)) return [[left], [stem(right)]];
      const rest = cut(right, whole);
      if (rest) return [[left], ...rest];
    }
    whole.add(word);
  };
  // What is meant by a word that was typed: groups of stems, of which each may stand for the others.
  const meant = (word) => {
    const like = (each) => ALIKE.find((alike) => alike.includes(each)) ?? [each];
    const known = stemsOf(word).map(like).map((group) => group.filter((each) => vocabulary.has(each)));
    if (known.some((group) => group.length > 0)) return known.filter((group) => group.length > 0);
    const begun = beginnings(stem(word.toLowerCase()));
    return begun.length > 0 ? [begun] : (cut(word.toLowerCase()) ?? []);
  };

  const weight = (group) => Math.log(1 + parts.length / group.reduce((sum, word) => sum + vocabulary.get(word), 0));
  const total = (groups) => groups.reduce((sum, group) => sum + weight(group), 0);
  const score = (part, wanted, asked) => {
    let body = 0;
    let covered = 0;
    for (const group of wanted) {
      const times = group.reduce((sum, word) => sum + (part.counts.get(word) ?? 0), 0);
      body += (weight(group) * times) / (times + 1 + part.length / 400);
      if (times > 0) covered += weight(group);
    }
    const all = total(wanted);
    const named = part.names.map((name) => {
      const said = total(wanted.filter((group) => group.some((word) => name.has(word))));
      return (said * said * Math.sqrt(said / total([...name].map((word) => [word])))) / all;
    });
    const verbatim = part.whole.some((name) => name.includes(asked.toLowerCase()));
    const worth = ((body * covered) / all + 4 * Math.max(0, ...named)) * (verbatim ? 1.3 : part.list ? 0.6 : 1);
    return QUESTION.test(asked) && part.page === "book/questions" ? 1.5 * worth : worth;
  };

  // How many letters were left out, added, changed or swapped.
  const distance = (a, b) => {
    const rows = [[...Array(b.length + 1).keys()]];
    for (let i = 1; i <= a.length; i++) {
      rows.push([i]);
      for (let j = 1; j <= b.length; j++) {
        const same = a[i - 1] === b[j - 1] ? 0 : 1;
        rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + same);
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
          rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
    return rows[a.length][b.length];
  };
  const corrected = (word) => {
    const most = word.length < 5 ? 0 : word.length < 8 ? 1 : 2;
    const near = [...spoken.keys()]
      .filter((known) => known[0] === word[0].toLowerCase() && Math.abs(known.length - word.length) <= most)
      .map((known) => ({ known, off: distance(word.toLowerCase(), known) }))
      .filter(({ off }) => off <= most);
    near.sort((a, b) => a.off - b.off || spoken.get(b.known) - spoken.get(a.known));
    return near[0]?.known;
  };

  // The text where most of the words stand together, with all of them marked.
  const quotation = (text, wanted) => {
    const groupOf = (word) => wanted.findIndex((group) => stemsOf(word).some((each) => group.includes(each)));
    const places = found(text).map(({ 0: word, index }) => ({ word, index, group: groupOf(word) }));
    const hits = places.filter(({ group }) => group >= 0);
    const near = ({ index }) => new Set(hits.filter((hit) => hit.index >= index && hit.index < index + 140).map((hit) => hit.group));
    const best = hits.reduce((first, hit) => (first && near(first).size >= near(hit).size ? first : hit), undefined);
    const from = text.lastIndexOf(" ", Math.max(0, (best?.index ?? 0) - 80)) + 1;
    const to = Math.min(text.length, from + 220);
    const quoted = document.createElement("p");
    let at = from;
    for (const { word, index } of hits) {
      if (index < at || index + word.length > to) continue;
      const mark = document.createElement("mark");
      mark.textContent = text.slice(index, index + word.length);
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

  const status = document.getElementById("search-status");
  const say = (asked, unknown, ranked) => {
    if (asked === "") return "Type a word, a function, an error message or a whole question.";
    if (ranked.length === 0) return `Nothing in the book has “${asked}”.`;
    if (unknown.length > 0) return `Nothing in the book has “${unknown.join("”, “")}”; for the rest:`;
    return ranked.length === 1 ? "One place:" : `${ranked.length} places:`;
  };
  const answer = (asked) => {
    const typed = telling(found(asked).map(([word]) => word));
    const unknown = typed.filter((word) => meant(word).length === 0);
    const wanted = [...new Map(typed.flatMap(meant).map((group) => [group[0], group])).values()];
    const ranked = parts
      .map((part) => ({ part, worth: score(part, wanted, asked) }))
      .filter(({ worth }) => worth > 0)
      .sort((a, b) => b.worth - a.worth)
      .slice(0, unknown.length > 0 ? IN_PART : SHOWN);

    for (const field of document.querySelectorAll("input[name=q]")) field.value = asked;
    document.getElementById("search-results").replaceChildren(...ranked.map(({ part }) => show(part, wanted)));
    status.textContent = say(asked, unknown, ranked);
    const better = unknown.reduce((text, word) => text.replace(word, corrected(word) ?? word), asked);
    if (better !== asked) {
      const link = document.createElement("a");
      link.href = `?q=${encodeURIComponent(better)}`;
      link.textContent = better;
      status.prepend("Did you mean “", link, "”? ");
    }
  };

  // What is asked here is answered at once: the words of the book are counted already.
  const ofAddress = () => (new URLSearchParams(location.search).get("q") ?? "").trim();
  answer(ofAddress());
  addEventListener("popstate", () => answer(ofAddress()));
  addEventListener("submit", (event) => {
    const asked = event.target.elements.q?.value.trim();
    if (asked === undefined) return;
    history.pushState(null, "", `?q=${encodeURIComponent(asked)}`);
    event.preventDefault();
    answer(asked);
  });
}
