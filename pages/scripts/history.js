// Back and Forward between pages whose filters stand in the address.
(() => {
  "use strict";
  if (window.cairnHistory) return;
  window.cairnHistory = true;
  let acts = 0;
  // The act by which the entry at hand was made of the same page; none, where it was loaded or turned to.
  let madeBy = null;
  let shown = location.pathname;
  for (const kind of ["pointerdown", "keydown", "click"]) window.addEventListener(kind, () => (acts += 1), true);

  // Streamlit leaves such a page by two entries: the old page with the query of the new one, and the new page. Back
  // would lead to the first, which nobody has seen. Both come of one act, so the second takes the place of the first.
  const push = history.pushState;
  history.pushState = function (state, title, address) {
    const leaves = new URL(address ?? "", location.href).pathname !== location.pathname;
    const between = leaves && madeBy === acts;
    madeBy = leaves ? null : acts;
    (between ? history.replaceState : push).call(history, state, title, address);
    shown = location.pathname;
  };

  // Streamlit takes a filter of the page that is left for one of the page that is turned to, where both have one name,
  // and clears it. A page that is loaded anew has no other's filters.
  window.addEventListener(
    "popstate",
    (event) => {
      madeBy = null;
      const turned = location.pathname !== shown;
      shown = location.pathname;
      const theirs = document.getElementById("cairn-filters")?.dataset.names.split(" ");
      const asked = [...new URLSearchParams(location.search).keys()];
      if (!turned || (theirs && !asked.some((name) => theirs.includes(name)))) return;
      event.stopImmediatePropagation();
      location.reload();
    },
    true,
  );
})();
