// Selections that the server keeps under an id, so that an address can name them.

/** @import { Told } from '../types.mjs' */

import { ask } from '../core/asking.mjs'
import { said } from '../core/fetching.mjs'
import { masked, unmasked } from '../core/packing.mjs'

/**
 * @typedef {object} KeptHandle
 * @property {() => Told} told
 * @property {() => string} address of the run on the server
 */

export class KeptSelections {
  /** @param {KeptHandle} handle */
  constructor(handle) {
    this.handle = handle
  }

  /**
   * Keep some rows; gives their id, which is empty where the server keeps none.
   *
   * @param {Iterable<number>} rows
   * @param {string} [name]
   * @returns {Promise<string>}
   */
  async keep(rows, name = '') {
    if (!this.handle.told().keeps) return ''
    const response = await this.post('selections/', rows, { name })
    return (await response.json()).id
  }

  /**
   * What is known of the images of some rows, as a file.
   *
   * @param {Iterable<number>} rows
   * @param {string} ending
   */
  async asFile(rows, ending) {
    const response = await this.post(`selections/as/${ending}`, rows)
    return response.blob()
  }

  /**
   * The rows that are kept under an id; null where there are none.
   *
   * @param {string} id
   */
  async rowsOf(id) {
    const { told, address } = this.handle
    const response = await ask(`${address()}/selections/${id}`).catch(() => null)
    if (!response?.ok) return null
    /** @type {{ split: string, rows: string }} */
    const { split, rows } = await response.json()
    return split === told().split ? unmasked(rows) : null
  }

  /**
   * Send some rows; an Error says what the server said.
   *
   * @param {string} address
   * @param {Iterable<number>} rows
   * @param {object} [more]
   */
  async post(address, rows, more = {}) {
    const { told, address: base } = this.handle
    const { split, total } = told()
    const body = JSON.stringify({ split, rows: masked(rows, total), ...more })
    const headers = { 'Content-Type': 'application/json' }
    const response = await ask(`${base()}/${address}`, { method: 'POST', headers, body })
    if (!response.ok) throw new Error(await said(response))
    return response
  }
}
