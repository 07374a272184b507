// What the page fetches, once each: the server names everything after its content, so the browser may keep it.

import { unpack } from './packing.mjs'

const PATIENCE = 2000 // ms before a sheet that could not be fetched is asked for again
const KEPT = 192 // sheets of grey images, about 1 MB of pixels each; a quarter of it where they have colours

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
  /** `loaded` is called when a sheet has come. Of grey images only one number a pixel is kept. */
  constructor(base, { side, across, shape }, loaded) {
    Object.assign(this, { base, side, across, loaded })
    this.grey = shape[0] === 1
    this.most = this.grey ? KEPT : KEPT / 4
    this.kept = new Map() // by number: { pixels, width, turn }
    this.turn = 0
  }

  /** A new picture begins: it may have as many sheets as are kept, which do not go while it is drawn. */
  begin() {
    this.turn++
  }

  /**
   * Where on which pixels the i-th image is: { pixels, grey, width, left, top, side }; null while it comes, undefined
   * where it could not be fetched a moment ago.
   */
  image(i) {
    const number = Math.floor(i / this.across ** 2)
    if (!this.kept.has(number) && !this.fetch(number)) return null
    const sheet = this.kept.get(number)
    sheet.turn = this.turn
    if (sheet.failed) return this.again(number, sheet)
    if (!sheet.pixels) return null
    const at = i % this.across ** 2
    const [left, top] = [(at % this.across) * this.side, Math.floor(at / this.across) * this.side]
    return { pixels: sheet.pixels, width: sheet.width, grey: this.grey, left, top, side: this.side }
  }

  /** Begin to fetch a sheet, if there is room; whether there was. */
  fetch(number) {
    if (this.kept.size >= this.most) {
      const old = [...this.kept].find(([, { turn }]) => turn < this.turn)
      if (!old) return false
      this.kept.delete(old[0])
    }
    const sheet = { turn: this.turn }
    this.kept.set(number, sheet)
    this.read(number, sheet)
    return true
  }

  /** Once some time has passed, a sheet that failed is asked for again when it is needed. */
  again(number, sheet) {
    if (performance.now() - sheet.failed > PATIENCE) this.kept.delete(number)
    return undefined
  }

  async read(number, sheet) {
    try {
      const response = await fetch(`${this.base}/${number}`)
      if (!response.ok) throw new Error(await said(response))
      const bitmap = await createImageBitmap(await response.blob())
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d', { willReadFrequently: true })
      context.drawImage(bitmap, 0, 0)
      const pixels = new Uint32Array(context.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer)
      sheet.pixels = this.grey ? Uint8Array.from(pixels) : pixels
      sheet.width = bitmap.width
    } catch {
      sheet.failed = performance.now()
    }
    this.loaded()
  }
}
