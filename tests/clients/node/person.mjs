// Asks the test that runs this script to be the person (tests/clients/npm.py).
import { createInterface } from 'node:readline'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

export const [scenario, given] = [process.argv[2], JSON.parse(process.argv[3])]

export async function visit(address, until = given.redirect_uri) {
  console.log(JSON.stringify({ visit: String(address), until }))
  const { value } = await lines.next()
  return new URL(JSON.parse(value).callback)
}

export async function play(scenarios) {
  const found = await scenarios[scenario]()
  console.log(JSON.stringify({ done: found ?? {} }))
  process.exit(0)
}

export function must(condition, what) {
  if (!condition) throw new Error(what)
}
