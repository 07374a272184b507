// The types that the scripts of a page without a server share; `Facts` is what facts.py gives it.

/** @import { ProbeTold, Told, UploadsTold } from '../../canvas/js/types.mjs' */

/**
 * @typedef {object} Facts
 * @property {string} run its name
 * @property {string} unit what the points are, in the plural
 * @property {string[]} splits
 * @property {Record<string, Told>} told of each split
 * @property {[key: string, name: string][]} colourings
 * @property {Record<string, Field[]>} fields what the points of each split can be filtered by
 * @property {ProbeTold | null} probe null where the page cannot decode
 * @property {PlaceFacts | null} place null where the page has no encoder
 * @property {string} command that starts the dashboard with the run
 * @property {string[]} [files] names of the data that lie beside the page
 */

/**
 * @typedef {object} PlaceFacts
 * @property {UploadsTold} told
 * @property {Record<string, Preprocess>} preprocessing by the names of the modes, the run's own first
 * @property {Record<string, string>} grades in words
 * @property {string} nearest split whose images new ones are compared with
 */

/**
 * @typedef {object} Preprocess
 * @property {string} name 'digit', 'resize' or 'crop'
 * @property {number} height
 * @property {number} width
 * @property {number} channels
 * @property {number} box
 */

/** @typedef {{ name: string, title: string, form: string, values: (string | number)[] }} Field */

/**
 * What the run's own table says of the images of a split.
 *
 * @typedef {object} Items
 * @property {[name: string, value: string][][]} described of each row
 * @property {Record<string, (string | number | null)[]>} values of each column
 */

/** @typedef {{ width: number, height: number, channels: number, data: Uint8Array }} Raster pixels, row by row */

export {}
