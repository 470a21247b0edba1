// <a href="#id" data-dialog> opens <dialog id="id">; without script the :target rule in dialog.css shows it.
// Elements with data-close close the dialog they stand in.
export function watchDialogs() {
  openTarget()
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]")
    if (opener) return open(event, document.querySelector(opener.getAttribute("href")))
    if (event.target.closest("[data-close]")) return close(event)
    if (event.target.matches("dialog[open]") && outside(event)) event.target.close()
  })
  for (const dialog of document.querySelectorAll("dialog[data-open]")) dialog.showModal()
  document.addEventListener("htmx:load", (event) => {
    if (event.target.matches?.("dialog[data-open]")) event.target.showModal()
  })
}

// A link from elsewhere may end in #id; make that a real modal and drop the fragment.
function openTarget() {
  const dialog = location.hash.length > 1 && document.getElementById(location.hash.slice(1))
  if (!(dialog instanceof HTMLDialogElement)) return
  history.replaceState(null, "", location.pathname + location.search)
  dialog.showModal()
}

function open(event, dialog) {
  if (!dialog) return
  event.preventDefault()
  dialog.showModal()
}

function close(event) {
  const dialog = event.target.closest("dialog[open]")
  if (!dialog) return
  event.preventDefault()
  dialog.close()
}

function outside(event) {
  const box = event.target.getBoundingClientRect()
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom
}
