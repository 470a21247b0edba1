// <div data-challenge="nonce" data-bits="16" data-done="…" data-slow="…"> within a form: a worker finds the number
// that the field `solution` wants. Who sends the form sooner waits for it. Without a worker the server wants a pause.
import { announce } from "./announce.js"

export function watchChallenges() {
  document.querySelectorAll("[data-challenge]").forEach(solve)
}

function solve(box) {
  const form = box.closest("form")
  let busy = true
  let asked = null
  const finish = (words, solution = "") => {
    busy = false
    form.elements.solution.value = solution
    box.querySelector("[data-challenge-words]").textContent = words
    announce(words)
    if (asked) form.requestSubmit(asked.submitter)
  }
  form.addEventListener("submit", (event) => {
    if (!busy) return
    event.preventDefault()
    asked = event
  })
  const worker = new Worker(new URL("./challenge-worker.js", import.meta.url))
  worker.onmessage = ({ data }) => finish(box.dataset.done, data)
  worker.onerror = () => finish(box.dataset.slow)
  worker.postMessage({ nonce: box.dataset.challenge, bits: Number(box.dataset.bits) })
}
