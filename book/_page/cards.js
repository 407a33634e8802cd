// Remember: a card's answer on demand, "I knew it" or not; what was missed comes back in another
// chapter. Kept in the browser only.
"use strict";
{
  const page = location.pathname.split("/").pop();
  const missed = memory.get("missed"); // by page and question: the card's HTML

  class Card extends HTMLElement {
    build(key = `${page}#${this.querySelector(".question").textContent.trim()}`) {
      this.key = key;
      this.html = this.innerHTML;
      const question = this.querySelector(".question");
      const button = document.createElement("button");
      button.type = "button";
      button.ariaExpanded = "false";
      button.append(...question.childNodes);
      button.addEventListener("click", () => {
        button.ariaExpanded = String(this.toggleAttribute("data-open"));
      });
      question.append(button);
      this.says = document.createElement("span");
      this.says.setAttribute("role", "status");
      const verdicts = document.createElement("div");
      verdicts.className = "verdicts";
      verdicts.append(this.choice("I knew it", true), this.choice("Not yet: ask me again", false), this.says);
      this.querySelector(".answer").append(verdicts);
    }

    choice(text, knew) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.addEventListener("click", () => {
        memory.set("missed", this.key, knew ? undefined : this.html);
        for (const other of button.parentElement.querySelectorAll("button")) other.ariaPressed = other === button;
        this.says.textContent = knew ? "Good." : "It comes back in another chapter.";
      });
      return button;
    }
  }

  class Recall extends HTMLElement {
    // Filled while the page is parsed, so that nothing below jumps.
    connectedCallback() {
      const cards = Object.entries(missed)
        .filter(([key]) => !key.startsWith(`${page}#`))
        .map(([key, html]) => Object.assign(document.createElement("book-card"), { key, innerHTML: html }))
        .filter((card) => card.querySelector(".question + .answer")) // as this book writes them
        .slice(0, 8);
      if (cards.length === 0 || this.hasChildNodes()) return;
      const title = document.createElement("p");
      title.className = "recall-title";
      title.textContent = "You missed these in other chapters. Now?";
      this.append(title);
      for (const card of cards) {
        this.append(card);
        card.build(card.key);
      }
    }
  }

  customElements.define("book-card", Card);
  customElements.define("book-recall", Recall);
  addEventListener("DOMContentLoaded", () => {
    for (const card of document.querySelectorAll(".memory-cards book-card")) card.build();
  });
}
