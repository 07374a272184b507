// How the page asks for what it shows: the server does, and in a page without one, what the page has in it.

/** @typedef {(address: string, options?: RequestInit) => Promise<Response>} Answer */

/** @type {Answer | null} */
let own = null

/**
 * Ask under an address, as `fetch` does.
 *
 * @param {string} address
 * @param {RequestInit} [options]
 */
export function ask(address, options) {
  return own ? own(address, options) : fetch(address, options)
}

/**
 * From now on a function of the page answers, and no server.
 *
 * @param {Answer} answer
 */
export function answerHere(answer) {
  own = answer
}

/** Whether there is a server. */
export function isServed() {
  return !own
}

/**
 * Show the picture at an address, which links to it may have, too.
 *
 * @param {HTMLImageElement} image
 * @param {string} address
 * @param {...HTMLAnchorElement} links
 */
export async function showPicture(image, address, ...links) {
  if (!own || address.startsWith('data:')) {
    image.src = address
    for (const link of links) link.href = address
    return
  }
  image.dataset.address = address
  const response = await own(address).catch(() => null)
  if (image.dataset.address !== address) return // another one is wanted meanwhile
  if (!response?.ok) return void image.dispatchEvent(new Event('error'))
  const url = URL.createObjectURL(await response.blob())
  image.addEventListener('load', () => links.length || URL.revokeObjectURL(url), { once: true })
  image.src = url
  for (const link of links) {
    if (link.href.startsWith('blob:')) URL.revokeObjectURL(link.href)
    link.href = url
  }
}
