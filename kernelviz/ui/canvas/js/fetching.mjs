// What the page fetches, once each: the server names everything after its content, so the browser may keep it.

import { unpack } from './packing.mjs'

const KEPT_SHEETS = 24 // about 4 MB of pixels each

/** Fetch and unpack; an Error says what the server said. `allowed` is a status that gives null instead. */
export async function fetchPacked(address, allowed) {
  const response = await fetch(address)
  if (response.status === allowed) return null
  if (!response.ok) throw new Error(await said(response))
  return unpack(await response.arrayBuffer())
}

export async function said(response) {
  const text = (await response.text()).slice(0, 200)
  return `${response.status}: ${text.startsWith('<') ? response.statusText : text}`
}

/** Sheets of many images each, fetched when one of their images is first asked for. */
export class Sheets {
  /** `loaded` is called when a sheet has come. */
  constructor(base, { side, across }, loaded) {
    this.base = base
    this.side = side
    this.across = across
    this.loaded = loaded
    this.kept = new Map()
    this.failed = ''
  }

  /** Where on which pixels the i-th image is: { pixels, bitmap, width, left, top, side }; null while it comes. */
  image(i) {
    const number = Math.floor(i / this.across ** 2)
    const sheet = this.kept.get(number)
    if (!sheet) this.fetch(number)
    if (!sheet?.pixels) return null
    this.kept.delete(number) // so that the sheet that was used last is the last to go
    this.kept.set(number, sheet)
    const at = i % this.across ** 2
    const [left, top] = [(at % this.across) * this.side, Math.floor(at / this.across) * this.side]
    return { ...sheet, left, top, side: this.side }
  }

  async fetch(number) {
    this.kept.set(number, {})
    try {
      const response = await fetch(`${this.base}/${number}`)
      if (!response.ok) throw new Error(await said(response))
      const bitmap = await createImageBitmap(await response.blob())
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height)
      const context = canvas.getContext('2d', { willReadFrequently: true })
      context.drawImage(bitmap, 0, 0)
      const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height)
      this.kept.set(number, { pixels: new Uint32Array(data.buffer), bitmap, width: bitmap.width })
      if (this.kept.size > KEPT_SHEETS) this.kept.delete(this.kept.keys().next().value)
    } catch (error) {
      this.failed = String(error.message ?? error) // the sheet stays empty: asking again would not help
    }
    this.loaded()
  }
}
