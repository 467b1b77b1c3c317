// The case conversation: transcript words are highlighted during playback and clickable; templates; audio preview.
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

  for (const box of document.querySelectorAll("[data-templates]")) {
    box.hidden = false;
    box.querySelector("select").addEventListener("change", (event) => {
      const into = document.getElementById(event.target.dataset.into);
      if (event.target.value) {
        into.value = into.value.trim() ? `${into.value.trimEnd()}\n${event.target.value}` : event.target.value;
        into.focus();
      }
      event.target.value = "";
    });
  }

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
