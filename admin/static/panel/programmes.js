// Plays a text, or shows the words that will be read, before it is saved.
"use strict";

for (const button of document.querySelectorAll("[data-hear]")) {
  const form = button.form, player = form.querySelector("[data-hear-player]");
  const status = form.querySelector("[data-hear-status]");
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    status.textContent = button.dataset.wait;
    button.disabled = true;
    try {
      const answer = await fetch(button.formAction, {
        method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/problem+json" },
      });
      if (!answer.ok) throw new Error((await answer.json()).detail);
      player.src = URL.createObjectURL(await answer.blob());
      player.hidden = false;
      status.textContent = "";
      await player.play().catch(() => {});
    } catch (failure) {
      status.textContent = failure instanceof TypeError ? button.dataset.failed : failure.message;
    } finally {
      button.disabled = false;
    }
  });
}

for (const button of document.querySelectorAll("[data-read]")) {
  const form = button.form, words = form.querySelector("[data-read-words]");
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const answer = await fetch(button.formAction, {
        method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/problem+json" },
      });
      words.textContent = answer.ok ? await answer.text() : (await answer.json()).detail;
    } catch {
      words.textContent = button.dataset.failed;
    } finally {
      button.disabled = false;
    }
  });
}
