// Tries numbers until SHA-256 of "nonce:number" begins with so many zero bits, and posts the number it found.
// The browser's own digest is asynchronous and would take most of the time to wait; a text here fits one block.
const PRIMES = []
for (let n = 2; PRIMES.length < 64; n++) if (PRIMES.every((prime) => n % prime)) PRIMES.push(n)
const fraction = (number) => ((number - Math.floor(number)) * 2 ** 32) | 0
const START = PRIMES.slice(0, 8).map((prime) => fraction(prime ** 0.5)) // FIPS 180-4 §5.3.3
const ROUND = PRIMES.map((prime) => fraction(Math.cbrt(prime))) // §4.2.2
const w = new Int32Array(64)
const turn = (word, by) => (word >>> by) | (word << (32 - by))

onmessage = ({ data: { nonce, bits } }) => {
  let number = 0
  while (Math.clz32(firstWord(`${nonce}:${number}`)) < bits) number++
  postMessage(String(number))
}

// The first 32 bits of the digest of a text of at most 55 ASCII signs (§6.2).
function firstWord(text) {
  w.fill(0, 0, 16)
  for (let i = 0; i < text.length; i++) w[i >> 2] |= text.charCodeAt(i) << (24 - 8 * (i & 3))
  w[text.length >> 2] |= 0x80 << (24 - 8 * (text.length & 3))
  w[15] = text.length * 8
  for (let i = 16; i < 64; i++) {
    const small = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ (w[i - 15] >>> 3)
    const large = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ (w[i - 2] >>> 10)
    w[i] = (w[i - 16] + small + w[i - 7] + large) | 0
  }
  let [a, b, c, d, e, f, g, h] = START
  for (let i = 0; i < 64; i++) {
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROUND[i] + w[i]) | 0
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + one) | 0
    d = c
    c = b
    b = a
    a = (one + two) | 0
  }
  return (START[0] + a) | 0
}
