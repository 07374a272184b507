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
   * Keep a lasso on a large map.
   *
   * @param {string} within its corners as in an address
   * @param {string} name
   */
  keepLasso(within, name) {
    return this.send('selections/', { within, name })
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
   * The selection that is kept under an id; null where there is none.
   *
   * @param {string} id
   * @returns {Promise<{ split: string, rows?: string, within?: string } | null>}
   */
  async one(id) {
    const { told, address } = this.handle
    const response = await ask(`${address()}/selections/${id}`).catch(() => null)
    const found = response?.ok ? await response.json() : null
    return found?.split === told().split ? found : null
  }

  /**
   * Its rows.
   *
   * @param {string} id
   */
  async rowsOf(id) {
    const { rows } = (await this.one(id)) ?? {}
    return rows === undefined ? null : unmasked(rows)
  }

  /**
   * Send some rows; an Error says what the server said.
   *
   * @param {string} address
   * @param {Iterable<number>} rows
   * @param {object} [more]
   */
  post(address, rows, more = {}) {
    return this.send(address, { rows: masked(rows, this.handle.told().total), ...more })
  }

  /**
   * @param {string} address
   * @param {object} what
   */
  async send(address, what) {
    const { told, address: base } = this.handle
    const body = JSON.stringify({ split: told().split, ...what })
    const headers = { 'Content-Type': 'application/json' }
    const response = await ask(`${base()}/${address}`, { method: 'POST', headers, body })
    if (!response.ok) throw new Error(await said(response))
    return response
  }
}
