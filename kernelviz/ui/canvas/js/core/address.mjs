// The address of the page, which says what it shows.

/**
 * @typedef {object} AddressBar
 * @property {() => URL} read
 * @property {(address: URL, entry: boolean) => void} write `entry`: as a new entry in the browser's history
 * @property {(address: URL) => string} link what a link to it says
 * @property {(page: string, parts: URLSearchParams) => string} toPage the address of another page
 */

/** @type {AddressBar} */
let bar = {
  read: () => new URL(location.href),
  write: (address, entry) => {
    if (entry) history.pushState(history.state, '', address)
    else history.replaceState(history.state, '', address)
  },
  link: (address) => address.href,
  toPage: (page, parts) => `./${page}?${parts}`,
}

/**
 * From now on the address is read and written otherwise.
 *
 * @param {AddressBar} other
 */
export function useAddressBar(other) {
  bar = other
}

export function readAddress() {
  return bar.read()
}

/**
 * @param {URL} address
 * @param {boolean} [entry]
 */
export function writeAddress(address, entry = false) {
  bar.write(address, entry)
}

/** @param {URL} address */
export function linkOf(address) {
  return bar.link(address)
}

/**
 * @param {string} page
 * @param {Record<string, string>} parts
 */
export function linkToPage(page, parts) {
  return bar.toPage(page, new URLSearchParams(parts))
}
