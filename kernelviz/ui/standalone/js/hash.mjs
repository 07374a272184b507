// What the page shows as the part of its address behind the #, which is all that a file or a frame has for it.

/** @import { AddressBar } from '../../canvas/js/core/address.mjs' */

const OF_MAP = ['at', 'hide', 'contours', 'pin', 'sel'] // parts that core/map_state.mjs reads; the others are of the page

/** What a frame shows whose address cannot be changed; empty where it can. */
let held = ''

/** @returns {URLSearchParams} */
export function partsOfHash() {
  return new URLSearchParams(held || location.hash.slice(1))
}

/**
 * @param {URLSearchParams} parts
 * @param {boolean} [entry] whether it is a new entry in the browser's history
 */
export function writeHash(parts, entry = false) {
  const hash = `#${parts}`
  try {
    if (entry) history.pushState(null, '', hash)
    else history.replaceState(null, '', hash)
    held = ''
  } catch {
    held = String(parts)
  }
}

/** The address as the canvas sees it: parts of the page before its #, those of the map behind it. @type {AddressBar} */
export const HASH_BAR = {
  read: () => {
    const [page, map] = [new URLSearchParams(), new URLSearchParams()]
    for (const [name, value] of partsOfHash()) (OF_MAP.includes(name) ? map : page).set(name, value)
    return new URL(`http://page/?${page}#${map}`)
  },
  write: (address, entry) => writeHash(merged(address), entry),
  link: (address) => `${location.href.split('#')[0]}#${merged(address)}`,
  toPage: (page, parts) => `#${new URLSearchParams({ page, ...Object.fromEntries(parts) })}`,
}

/** @param {URL} address */
function merged({ searchParams, hash }) {
  return new URLSearchParams([...searchParams, ...new URLSearchParams(hash.slice(1))])
}
