// The case conversation: transcript words are highlighted during playback and clickable; templates; preview, read aloud too.
"use strict";

(() => {
  const from = (word) => Number(word.dataset.from);

  for (const heard of document.querySelectorAll("[data-sound]")) {
    const audio = document.getElementById(heard.dataset.sound);
    const words = [...heard.querySelectorAll(".word")];
    let lit = -1;

    const light = (index) => {
      if (index === lit) return;
      words[lit]?.classList.remove("now");
      words[index]?.classList.add("now");
      lit = index;
    };
    const follow = () => {
      const at = audio.currentTime + 0.01;
      light(words.findLastIndex((word) => from(word) <= at && at < Number(word.dataset.to) + 0.4));
    };
    const hear = (index) => {
      audio.currentTime = from(words[index]);
      light(index);
      audio.play().catch(() => {});
    };

    let frame = 0;
    const watch = () => { follow(); frame = requestAnimationFrame(watch); };
    audio.addEventListener("play", () => { cancelAnimationFrame(frame); watch(); });
    audio.addEventListener("pause", () => cancelAnimationFrame(frame));
    audio.addEventListener("seeked", follow);
    heard.addEventListener("click", (event) => {
      const index = words.indexOf(event.target.closest(".word"));
      if (index >= 0) hear(index);
    });
    heard.addEventListener("keydown", (event) => {
      const to = { ArrowRight: lit + 1, ArrowLeft: Math.max(lit, 1) - 1, Home: 0, End: words.length - 1 }[event.key];
      if (to !== undefined && words[to]) {
        event.preventDefault();
        hear(to);
      } else if (event.key === " " || event.key === "Enter") {
        event.preventDefault();
        if (audio.paused) audio.play().catch(() => {});
        else audio.pause();
      }
    });
  }

  // Answer templates: by their buttons, or by typing "/1" at the start of a line.
  for (const group of document.querySelectorAll("[data-templates]")) {
    const into = document.getElementById(group.dataset.templates);
    const texts = Object.fromEntries([...group.querySelectorAll("button")].map((one) => [one.dataset.key, one.dataset.text]));
    group.hidden = false;
    group.addEventListener("click", (event) => {
      const text = event.target.closest("button")?.dataset.text;
      if (text === undefined) return;
      into.value = into.value.trim() ? `${into.value.trimEnd()}\n${text}` : text;
      into.focus();
    });
    into.addEventListener("input", () => {
      const before = into.value.slice(0, into.selectionStart);
      const found = /(?:^|\n)\/([1-9])$/.exec(before);
      const text = found && texts[found[1]];
      if (text) into.setRangeText(text, before.length - 2, before.length, "end");
    });
  }

  // A refused preview is shown in the same place; what was typed stays in its field.
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "preview" || event.detail.xhr.status >= 500) return;
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  });

  // Typed text is not left behind by a key or a link.
  const typed = [...document.querySelectorAll("[data-typed] textarea")];
  const isRefused = document.querySelector(".alert-danger") !== null; // its text was typed, and is not kept yet
  let sent = null;
  document.addEventListener("submit", (event) => { sent = event.target; });
  addEventListener("beforeunload", (event) => {
    if (typed.some((one) => one.form !== sent && one.value.trim() && (isRefused || one.value !== one.defaultValue))) event.preventDefault();
  });

  for (const hear of document.querySelectorAll("[data-hear]")) {
    hear.hidden = false;
    const button = hear.querySelector("button");
    const status = hear.querySelector("[role=status]");
    const audio = hear.querySelector("audio");
    button.addEventListener("click", async () => {
      button.disabled = true;
      status.textContent = status.dataset.working;
      try {
        const answer = await fetch(hear.dataset.hear, { method: "POST", body: new FormData(hear.closest("form")) });
        if (!answer.ok) throw new Error(String(answer.status));
        audio.src = URL.createObjectURL(await answer.blob());
        audio.hidden = false;
        status.textContent = "";
        audio.play().catch(() => {});
      } catch {
        status.textContent = hear.dataset.failed;
      }
      button.disabled = false;
    });
  }
})();
