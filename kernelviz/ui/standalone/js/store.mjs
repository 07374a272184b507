// The data of the page: in its document in base 64, or in files beside it.

import { unpack } from '../../canvas/js/core/packing.mjs'

/** @import { Packed } from '../../canvas/js/types.mjs' */

const FOLDED =
  'Browsers do not let a page that was opened from disk read the files beside it. Put the folder on a web server, ' +
  'for example with “python -m http.server” in it, or export the run as one file.'

export class Store {
  /** @param {string[]} [files] names of the data that lie beside the page; undefined where they are in it */
  constructor(files) {
    this.files = files && new Set(files)
    /** @type {Map<string, Promise<ArrayBuffer | null>>} */
    this.read = new Map()
    /** @type {Map<string, Promise<Packed | null>>} */
    this.unpacked = new Map()
  }

  /**
   * The bytes of a name, without their compression; null where there are none.
   *
   * @param {string} name
   */
  bytes(name) {
    const known = this.read.get(name) ?? this.load(name)
    this.read.set(name, known)
    known.catch(() => this.read.delete(name)) // it may be there the next time
    return known
  }

  /**
   * The packed arrays of a name; they are shared, and not to be changed.
   *
   * @param {string} name
   */
  packed(name) {
    const known = this.unpacked.get(name) ?? this.bytes(name).then((bytes) => bytes && unpack(bytes))
    this.unpacked.set(name, known)
    known.catch(() => this.unpacked.delete(name))
    return known
  }

  /**
   * @param {string} name
   * @returns {Promise<ArrayBuffer | null>}
   */
  async load(name) {
    const bytes = this.files ? await this.fetched(name) : embedded(name)
    if (!bytes || bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes && ownBuffer(bytes)
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
    return new Response(stream).arrayBuffer()
  }

  /** @param {string} name */
  async fetched(name) {
    if (!this.files?.has(name)) return null
    try {
      const response = await fetch(`data/${name.replaceAll('/', '-')}.bin`)
      if (!response.ok) throw new Error(`${response.status}: ${response.statusText}`)
      return new Uint8Array(await response.arrayBuffer())
    } catch (error) {
      throw location.protocol === 'file:' ? new Error(FOLDED) : error
    }
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {ArrayBuffer}
 */
function ownBuffer({ buffer, byteOffset, byteLength }) {
  return byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)
}

/**
 * @param {string} name
 * @returns {Uint8Array<ArrayBuffer> | null}
 */
function embedded(name) {
  const block = [...document.querySelectorAll('script[data-name]')].find(
    (one) => one.getAttribute('data-name') === name,
  )
  if (!block) return null
  const text = atob(block.textContent ?? '')
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at)
  return bytes
}
