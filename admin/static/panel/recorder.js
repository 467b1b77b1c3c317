// Uploads a file or a browser recording, with a progress bar.
"use strict";

(() => {
  for (const form of document.querySelectorAll("form[data-upload]")) {
    const said = form.dataset, bar = form.querySelector("progress"), send = form.querySelector("button:not([type])");
    const status = form.querySelector("[data-status]"), problem = form.querySelector("[data-problem]");
    const file = form.querySelector("input[type=file]"), listen = form.querySelector("[data-recorded]");
    const begin = form.querySelector("[data-record]"), stop = form.querySelector("[data-record-stop]");
    let recorded = null, recorder = null;

    const refuse = (text, known) => {
      bar.hidden = true;
      send.disabled = false;
      status.textContent = "";
      problem.textContent = text;
      if (known) {
        const link = document.createElement("a");
        link.href = known;
        link.textContent = said.known;
        problem.append(" ", link);
      }
    };

    begin.addEventListener("click", async () => {
      problem.textContent = "";
      let microphone;
      try {
        microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
      } catch {
        return refuse(said.noMicrophone);
      }
      const pieces = [];
      recorder = new MediaRecorder(microphone);
      recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
      recorder.addEventListener("stop", () => {
        microphone.getTracks().forEach((track) => track.stop());
        recorded = new Blob(pieces, { type: recorder.mimeType });
        file.value = "";
        listen.src = URL.createObjectURL(recorded);
        listen.hidden = false;
        status.textContent = "";
        begin.disabled = false;
        stop.disabled = true;
      });
      recorder.start();
      const longest = setTimeout(() => recorder.state === "recording" && recorder.stop(), Number(said.longest) * 1000);
      recorder.addEventListener("stop", () => clearTimeout(longest));
      status.textContent = said.recording;
      begin.disabled = true;
      stop.disabled = false;
      stop.focus();
    });
    stop.addEventListener("click", () => recorder?.state === "recording" && recorder.stop());
    file.addEventListener("change", () => {
      recorded = null;
      listen.hidden = true;
    });

    const otherContent = () => [...form.querySelectorAll("[data-instead]")].some(
      (one) => one.type === "checkbox" ? one.checked : one.value.trim());

    form.addEventListener("submit", (event) => {
      const sound = file.files[0] || recorded;
      if (!sound && "optional" in said) return;  // the form is sent with its other content
      event.preventDefault();
      if (!sound) return refuse(said.nothing);
      if (otherContent()) return refuse(said.onlyOne);
      if (said.noZone && !form.querySelector("[name=zone]:checked")) return refuse(said.noZone);
      if (sound.size > Number(said.most)) return refuse(said.tooLarge);
      const about = new URLSearchParams(new FormData(form));
      about.delete("csrf_token");
      about.delete("once");
      about.set("name", sound.name || (sound.type.includes("mp4") ? "recording.mp4" : "recording.webm"));
      const request = new XMLHttpRequest();
      request.open("POST", `${said.upload}?${about}`);
      request.setRequestHeader("X-CSRFToken", form.elements.csrf_token.value);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.setRequestHeader("Accept", "application/problem+json");
      request.responseType = "json";
      request.upload.addEventListener("progress", (event) => {
        bar.value = event.total ? event.loaded / event.total : 0;
        status.textContent = `${said.sending} ${Math.round(bar.value * 100)} %`;
      });
      request.upload.addEventListener("load", () => (status.textContent = said.working));
      request.addEventListener("error", () => refuse(said.failed));
      request.addEventListener("load", () => {
        const answer = request.response;
        if (request.status === 201 && answer) location.assign(answer.page);
        else if (request.status === 401 || (request.status === 200 && !answer)) refuse(said.ended);
        else refuse((answer && answer.detail) || said.failed, answer && answer.page);
      });
      problem.textContent = "";
      bar.hidden = false;
      bar.value = 0;
      send.disabled = true;
      request.send(sound);
    });
  }
})();
