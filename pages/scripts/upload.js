// Files on their way to the server: says how many have arrived, and asks before the page is left. Streamlit hands a
// choice of files over once all of them have arrived, so that until then nothing is stored.
(() => {
  "use strict";
  const COOKIE = "cairn_upload";
  const remember = (number, seconds) => {
    document.cookie = `${COOKIE}=${number}; path=/; max-age=${seconds}; SameSite=Strict`;
  };
  // The page has read it: see pages/parts/upload.py.
  remember(0, 0);
  if (window.cairnSending) {
    window.cairnSending.say();
    return;
  }
  const sending = (window.cairnSending = { open: 0, arrived: 0, say });

  function say() {
    const place = document.getElementById("cairn-sending");
    if (!place) return;
    const total = sending.open + sending.arrived;
    place.textContent = sending.open
      ? place.dataset.progress.replace("{arrived}", sending.arrived).replace("{total}", total)
      : "";
  }

  const open = XMLHttpRequest.prototype.open;
  XMLHttpRequest.prototype.open = function (method, address, ...rest) {
    if (String(method).toUpperCase() === "PUT" && String(address).includes("/upload_file/")) {
      this.addEventListener("loadstart", () => {
        sending.open += 1;
        say();
      });
      this.addEventListener("loadend", () => {
        sending.open -= 1;
        sending.arrived = sending.open ? sending.arrived + 1 : 0;
        say();
      });
    }
    return open.call(this, method, address, ...rest);
  };

  window.addEventListener("beforeunload", (event) => {
    if (sending.open) event.preventDefault();
  });
  window.addEventListener("pagehide", () => {
    if (sending.open) remember(sending.open + sending.arrived, 120);
  });
  document.addEventListener(
    "click",
    (event) => {
      const place = document.getElementById("cairn-sending");
      if (!sending.open || !place || !event.target.closest("a[href]")) return;
      if (window.confirm(place.dataset.leave)) return;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );
})();
