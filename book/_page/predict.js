// Predict, then see. The page holds question, choices, sentences and, covered, what follows.
"use strict";
{
  const page = location.pathname.split("/").pop();
  const made = memory.get("predictions"); // by page and question: the number of the choice

  const remember = (question, choice) => memory.set("predictions", `${page}#${question.id}`, choice);

  const strong = (text) => Object.assign(document.createElement("strong"), { textContent: text });

  class Prediction extends HTMLElement {
    // Called when the parser meets the opening tag: what was answered before is never covered.
    connectedCallback() {
      const choice = made[`${page}#${this.id}`];
      if (choice !== undefined) this.dataset.choice = choice;
    }

    build() {
      this.setAttribute("role", "group");
      this.setAttribute("aria-label", "Predict");
      this.right = this.dataset.right;
      this.addEventListener("keydown", (event) => this.walk(event));
      this.buttons = [...this.querySelectorAll(":scope > .choices > li")].map((item, n) => {
        const button = document.createElement("button");
        button.append(`${n + 1}. `, ...item.firstElementChild.childNodes);
        item.replaceChildren(button);
        return this.ask(button, n + 1);
      });
      if (!this.right) {
        const button = document.createElement("button");
        button.textContent = "I have an answer";
        this.append(button);
        this.buttons = [this.ask(button, 1)];
      }
      // What changes in here is read out by a screen reader.
      this.says = document.createElement("div");
      this.says.className = "says";
      this.says.setAttribute("role", "status");
      this.append(this.says);
      if (this.buttons[this.dataset.choice - 1]) this.show();
      else delete this.dataset.choice; // kept by whatever else wrote there: it has no such choice
    }

    ask(button, number) {
      button.type = "button";
      button.addEventListener("click", () => {
        if (this.dataset.choice) return;
        this.dataset.choice = number;
        remember(this, number);
        this.show();
        uncovered();
        this.says.scrollIntoView({ block: "nearest" });
      });
      return button;
    }

    // Arrow keys go from choice to choice, as they do among radio buttons.
    walk(event) {
      const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      const at = this.buttons.indexOf(document.activeElement);
      if (!step || at < 0) return;
      event.preventDefault();
      this.buttons.at((at + step) % this.buttons.length).focus();
    }

    // Marks the chosen and the right choice, and says what each is worth.
    show() {
      const choice = this.dataset.choice;
      const sentences = this.querySelectorAll(":scope > .sentences > li");
      for (const [n, button] of this.buttons.entries()) {
        const number = String(n + 1);
        button.ariaPressed = String(number === choice);
        button.disabled = number !== choice; // the chosen one keeps the focus
        if (number === this.right) button.dataset.mark = "✔";
        else if (number === choice && this.right) button.dataset.mark = "✘";
      }
      this.says.replaceChildren();
      if (!this.right) return (this.says.textContent = "Compare it with what follows.");
      for (const number of new Set([choice, this.right])) {
        const words = document.createElement("div");
        words.innerHTML = sentences[number - 1].innerHTML;
        if (number !== this.right) words.firstElementChild.prepend(strong("Not so."), " ");
        else if (choice !== this.right) words.querySelector("strong").textContent = "What holds:";
        this.says.append(words);
      }
    }

    forget() {
      remember(this, undefined);
      delete this.dataset.choice;
      this.toggleAttribute("data-passed", false);
      this.says.replaceChildren();
      for (const button of this.buttons) {
        button.ariaPressed = null;
        button.disabled = false;
        delete button.dataset.mark;
      }
    }
  }

  class Tally extends HTMLElement {
    build() {
      this.words = document.createElement("p");
      this.words.tabIndex = -1;
      this.again = document.createElement("button");
      this.again.type = "button";
      this.again.textContent = "Forget my answers on this page";
      this.again.addEventListener("click", () => {
        for (const question of document.querySelectorAll("book-prediction")) question.forget();
        this.count();
        this.words.focus(); // the button is gone
      });
      this.append(this.words, this.again);
      addEventListener("resize", () => this.count()); // what is in sight may have changed
      this.count();
    }

    // With "Core only" what is folded is not asked.
    count() {
      const asked = [...document.querySelectorAll("book-prediction[data-right]")].filter(
        (question) => !question.closest("html[data-core] section.deeper:not([data-open])"),
      );
      const answered = asked.filter((question) => question.dataset.choice);
      const held = answered.filter((question) => question.dataset.choice === question.right);
      this.hidden = asked.length === 0;
      this.again.hidden = answered.length === 0;
      this.words.textContent =
        `Of the ${asked.length} predictions on this page you made ${answered.length}, ` +
        `and ${held.length} held. This browser keeps count, nobody else.`;
    }
  }

  customElements.define("book-prediction", Prediction);
  customElements.define("book-tally", Tally);
  addEventListener("DOMContentLoaded", () => {
    for (const part of document.querySelectorAll("book-prediction, book-tally")) part.build();
  });
}
