"use strict";
(() => {
  const player = document.querySelector(".player");
  if (!player) return;
  const videos = [...player.querySelectorAll("video")], lead = videos[0];
  const canvases = [...player.querySelectorAll("canvas")];
  const [button, slider, clock, speed] = ["button", "input", "output", "select"].map((name) => player.querySelector(name));
  const timed = [...document.querySelectorAll(".timed")];
  const begin = Number(player.dataset.start);  // of the file's times, against those of the player
  const shown = Number(player.dataset.length) || Infinity;  // sound may be longer than the picture
  const length = () => (Number.isFinite(lead.duration) ? Math.min(lead.duration, shown) : 0);
  const gone = new Set();

  function draw() {
    for (const canvas of canvases) {
      const video = videos[canvas.dataset.video], [x, y, w, h] = canvas.dataset.box.split(",").map(Number);
      const across = video.videoWidth, down = video.videoHeight;
      if (!across || video.readyState < 2) continue;
      const width = Math.round(w * across), height = Math.round(h * down);
      if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
      canvas.getContext("2d").drawImage(video, x * across, y * down, w * across, h * down, 0, 0, width, height);
      canvas.dataset.time = video.currentTime;
    }
    slider.max = length();
    slider.value = lead.currentTime;
    clock.value = `${lead.currentTime.toFixed(2)} / ${length().toFixed(2)} s`;
    for (const box of timed) point(box);
  }
  function point(box) {
    const [from, to] = [Number(box.dataset.from), Number(box.dataset.to)];  // fractions of its width
    const part = (begin + lead.currentTime - Number(box.dataset.start)) / (box.dataset.end - box.dataset.start || 1);
    const mark = box.querySelector(".cursor");
    mark.style.display = part >= 0 && part <= 1 ? "block" : "none";
    mark.style.left = `${100 * (from + part * (to - from))}%`;
  }
  function follow() {  // the first video sets the time; the second is corrected where it drifts
    for (const video of videos.slice(1)) {
      if (Math.abs(video.currentTime - lead.currentTime) > 0.05 && !video.seeking) video.currentTime = lead.currentTime;
    }
  }
  function seek(second) {
    for (const video of videos) video.currentTime = Math.min(Math.max(second, 0), length());
  }
  function lost(video) {
    if (gone.has(video)) return;
    gone.add(video);
    const number = videos.indexOf(video), name = decodeURIComponent(video.getAttribute("src")).replace("./", "");
    for (const pane of player.querySelectorAll(`.pane[data-video="${number}"]`)) pane.remove();
    const note = document.createElement("p");
    note.className = "warn";
    note.textContent = number
      ? `This browser cannot play the original (${name}); only the stabilized video is shown.`
      : `This browser cannot play ${name}: open the file with a video player. The pictures below show its content.`;
    player.append(note);
    if (!number) player.querySelector(".controls").hidden = true;
    canvases.splice(0, canvases.length, ...player.querySelectorAll("canvas"));
    if (number) videos.splice(number, 1);
  }
  const each = "requestVideoFrameCallback" in lead
    ? (then) => lead.requestVideoFrameCallback(then)
    : (then) => requestAnimationFrame(then);
  const loop = () => { follow(); draw(); each(loop); };

  for (const video of [...videos]) {
    video.hidden = true;
    video.controls = false;
    for (const name of ["loadeddata", "seeked"]) video.addEventListener(name, draw);
    const judge = () => { if (video.error || (video.readyState && !video.videoWidth)) lost(video); };
    for (const name of ["error", "loadedmetadata"]) video.addEventListener(name, judge);  // a file with only sound gives no error event
    judge();
  }
  for (const canvas of canvases) canvas.hidden = false;
  player.querySelector(".controls").hidden = gone.has(lead);
  button.addEventListener("click", () => {
    if (!lead.paused) return videos.forEach((video) => video.pause());
    if (lead.ended) seek(0);
    return videos.forEach((video) => video.play().catch(() => {}));
  });
  lead.addEventListener("play", () => { button.textContent = "❚❚ Pause"; });
  for (const name of ["pause", "ended"]) {
    lead.addEventListener(name, () => { button.textContent = "▶ Play"; videos.forEach((video) => video.pause()); draw(); });
  }
  slider.addEventListener("input", () => seek(Number(slider.value)));
  speed.addEventListener("change", () => videos.forEach((video) => { video.playbackRate = Number(speed.value); }));
  for (const box of timed) {
    box.addEventListener("click", (event) => {
      const area = box.getBoundingClientRect(), [from, to] = [Number(box.dataset.from), Number(box.dataset.to)];
      const part = ((event.clientX - area.left) / area.width - from) / (to - from);
      seek(Number(box.dataset.start) + part * (box.dataset.end - box.dataset.start) - begin);
    });
  }
  const [hint, lines] = player.querySelectorAll(".by-hand");
  if (hint) {
    hint.hidden = false;
    const size = hint.dataset.size.split(",").map(Number), rows = new Map(), early = 0.1;  // of a frame
    const runs = JSON.parse(hint.dataset.runs), frames = Number(hint.dataset.frames);
    const frameAt = (second) => {  // each run: first frame, its time, time from frame to frame
      const place = Math.max(runs.findLastIndex(([, start, step]) => start <= second + early * step), 0);
      const [first, start, step] = runs[place], end = place + 1 < runs.length ? runs[place + 1][0] : frames;
      const passed = step ? Math.floor((second - start) / step + early) : 0;
      return Math.min(first + Math.max(passed, 0), end - 1);
    };
    for (const pane of player.querySelectorAll(".pane")) {
      if (pane.querySelector("span").textContent !== "original") continue;
      const canvas = pane.querySelector("canvas");
      canvas.style.cursor = "crosshair";
      canvas.addEventListener("click", (event) => {
        const area = canvas.getBoundingClientRect();
        const across = (event.clientX - area.left) / area.width, down = (event.clientY - area.top) / area.height;
        const [x, y] = [across * size[0] - 0.5, down * size[1] - 0.5].map((value) => value.toFixed(1));
        const frame = frameAt(begin + lead.currentTime);
        rows.set(frame, `${frame},,${x},${y},,`);
        const ordered = [...rows.keys()].sort((a, b) => a - b).map((key) => rows.get(key));
        lines.textContent = [hint.dataset.columns, ...ordered].join("\n");
        lines.hidden = false;
      });
    }
  }
  each(loop);
  draw();
})();
