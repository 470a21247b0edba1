// <button data-copy="text"> or <button data-copy-from="element-id">. Says what happened in a live region.
import { announce } from "./announce.js"

export function watchCopying() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]")
    if (button) copy(button)
  })
}

async function copy(button) {
  try {
    await navigator.clipboard.writeText(textOf(button))
    button.dataset.copied = ""
    announce(button.dataset.copiedLabel || "Copied")
    setTimeout(() => delete button.dataset.copied, 1600)
  } catch {
    selectSource(button)
  }
}

function textOf(button) {
  return button.dataset.copy ?? source(button).textContent
}

// Without clipboard permission the text is selected, so that the usual shortcut copies it.
function selectSource(button) {
  const element = source(button) ?? button.parentElement
  if (element) getSelection().selectAllChildren(element)
}

function source(button) {
  return document.getElementById(button.dataset.copyFrom)
}
