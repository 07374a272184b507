// The types that several scripts share. `Told` and `Heard` mirror the dataclasses of the same names in __init__.py,
// property by property; a test holds them together.

/**
 * What Python tells a map.
 *
 * @typedef {object} Told
 * @property {string} kind 'map', as opposed to 'playground'
 * @property {string} scripts address of main.mjs
 * @property {string} accent colour of what a person puts onto the map
 * @property {string} split
 * @property {number} total rows of the split, or of all maps that are linked, those without coordinates included
 * @property {string} what the images in words, such as "10,000 test images"
 * @property {string[]} classes
 * @property {Record<string, Group[]>} palettes groups of each colouring that has groups
 * @property {number[] | null} shape [channels, height, width] of the images, null where the points are none
 * @property {number} sheet pixels along a side of a sheet of images
 * @property {number[]} sides pixels along a side of an image on the sheets of each level, the smallest first
 * @property {number} extent the maps reach from -extent to extent
 * @property {string} colouring
 * @property {string[]} scale colours of a continuous colouring, from low to high
 * @property {string} view 'dots' or 'images'
 * @property {MapTold[]} maps one map; several side by side; or the stages between which images move
 * @property {boolean} moving whether the maps are stages of one
 * @property {string} linked by what maps side by side are linked: 'images', which all of them show, or 'view'
 * @property {SelectionTold} selection
 * @property {number | null} found row that was searched for
 * @property {DecoderTold | null} decoder decodes an image at the pointer
 * @property {ProbeTold | null} probe
 * @property {UploadsTold | null} uploads
 * @property {InspectorTold | null} inspector
 * @property {boolean} keeps whether the server keeps selections
 * @property {LargeTold | null} large of a map with too many points to be sent all at once
 */

/** @typedef {[name: string, colour: string]} Group */

/**
 * @typedef {object} LargeTold
 * @property {string} text selects the points that have it
 * @property {number} most_rows of a table of what is selected
 */

/**
 * One map of the images.
 *
 * @typedef {object} MapTold
 * @property {string} base address of what the server has of the run
 * @property {string | null} source where the images come from, null where there are none: 'thumbnails', 'own' or 'decoded'
 * @property {string | null} title
 * @property {Affine | null} placement how the map is laid over the others
 * @property {MarkTold[]} marks
 * @property {number} first row of its first image among those of all maps
 * @property {string} rows of its images among those of all, 32 bits each in base 64; empty where they follow the first
 * @property {ImagesTold | null} images of the map, null where they are like those of the first
 */

/**
 * What is told of the images of a map.
 *
 * @typedef {object} ImagesTold
 * @property {string} split
 * @property {string} what the images in words
 * @property {string[]} classes
 * @property {Record<string, Group[]>} palettes
 * @property {number[] | null} shape
 * @property {number[]} sides
 */

/** @typedef {[a: number, b: number, c: number][]} Affine two rows: x' = a x + b y + c and y' alike */

/** @typedef {'usual' | 'unusual' | 'novel' | 'blank'} Grade how a picture compares with the training images */

/**
 * @typedef {object} MarkTold
 * @property {number} x
 * @property {number} y
 * @property {string} name
 * @property {string | null} picture address of its picture
 * @property {Grade} grade
 */

/**
 * @typedef {object} SelectionTold
 * @property {number} revision
 * @property {string} rows a bit for each row, in base 64; empty for no rows
 */

/**
 * @typedef {object} ProbeTold
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} amplitude
 * @property {ProbeShape} usual the shape that the run was trained with
 * @property {number[]} grid rows and columns
 * @property {number} sparsity of the clip
 * @property {Point[]} path corners of a path to walk
 */

/**
 * @typedef {object} ProbeShape
 * @property {number} width
 * @property {number} amplitude
 */

/**
 * @typedef {object} InspectorTold
 * @property {string} run its name
 * @property {boolean} alike whether images can be compared pixel by pixel
 */

/**
 * What it takes to decode an image anywhere on the map.
 *
 * @typedef {object} DecoderTold
 * @property {ProbeShape} usual the shape of the probe that the run was trained with
 * @property {number[]} grid rows and columns
 * @property {number} sparsity of the clip
 */

/**
 * @typedef {object} UploadsTold
 * @property {string} address of the uploads of this session
 * @property {string} preprocessing
 * @property {number} revision another number once uploads were removed
 * @property {number} total files that the server has
 * @property {ChosenUpload} chosen
 * @property {boolean} digits whether the network was trained on digits, so that one may sketch one
 * @property {string} allowed what can be uploaded, in words
 * @property {number} largest_file bytes
 * @property {number} largest_archive bytes
 */

/**
 * @typedef {object} ChosenUpload
 * @property {number} revision
 * @property {number | null} number
 */

/**
 * What Python tells the playground.
 *
 * @typedef {object} PlaygroundTold
 * @property {string} kind 'playground'
 * @property {string} scripts address of main.mjs
 * @property {string} accent
 * @property {string[]} colours below and above zero
 */

/**
 * What Python tells a film.
 *
 * @typedef {object} FilmTold
 * @property {string} kind 'film'
 * @property {string} scripts address of main.mjs
 * @property {string} address of its frames; that of a run has files of the whole film beside it
 * @property {boolean} live whether it is of a training, of which new frames are to come
 * @property {string} unit what the points are, in the plural
 */

/**
 * What the page says to Python, each property by itself.
 *
 * @typedef {object} Heard
 * @property {SelectionTold | null} selection
 * @property {number | null} pinned
 * @property {ProbeStanding | null} probe where the probe was released
 * @property {string | null} path corners of the path as in an address
 * @property {ChosenUpload | null} chosen
 * @property {string | null} projected how many uploads are on which map: another text after each step
 * @property {string | null} failed why the canvas cannot run in this browser
 */

/**
 * @typedef {object} ProbeStanding
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} amplitude
 */

/**
 * Says something to Python.
 *
 * @typedef {<Name extends keyof Heard>(name: Name, value: Heard[Name]) => void} Tell
 */

/**
 * What Streamlit hands to a component.
 *
 * @typedef {object} Component
 * @property {HTMLElement} parentElement
 * @property {Told | PlaygroundTold | FilmTold} data
 * @property {Tell} setStateValue
 * @property {(name: 'ended', value: boolean) => void} setTriggerValue says something to Python once
 */

// What the server packs

/** @typedef {Float32Array | Uint8Array | Uint16Array | Uint32Array | Int16Array} PackedArray */

/** @typedef {{ facts: object, arrays: Record<string, PackedArray> }} Packed */

/**
 * Columns of the points of a map: besides these, one of 12 bits for each value of `scales`.
 *
 * @typedef {{
 *   row: Uint32Array, x: Float32Array, y: Float32Array, label: Int16Array, prediction: Int16Array
 * } & Record<string, PackedArray>} Columns
 */

/** @typedef {[lowest: number, highest: number, low: number, high: number]} Scale range of the values, and of the colours */

/**
 * @typedef {object} PointFacts
 * @property {Record<string, Scale>} scales
 * @property {string[]} [names] of each row, where the points have some
 * @property {Record<string, [name: string, kind: string]>} [own] columns of the user's table, by their keys
 * @property {number} [step] of a large map: of how many points in view this is one
 * @property {boolean} [named] whether the points of a large map have names, which are fetched for those that are shown
 */

/** @typedef {{ facts: PointFacts, arrays: Columns }} PackedPoints */

/** @typedef {{ corners: Float32Array, starts: Uint32Array, levels: Float32Array }} Contours */

/** @typedef {{ facts: object, arrays: Contours & Record<string, PackedArray> }} PackedContours */

/**
 * @typedef {object} FilmFacts
 * @property {string} split
 * @property {number} extent
 * @property {number} total epochs of the whole training
 * @property {number} last epoch of the newest frame of the training, sent or not
 * @property {Group[]} palette
 * @property {number[] | null} decoded shape of the pictures of a frame: [places, height, width] or [..., 3]
 */

/**
 * Frames of a film.
 *
 * @typedef {{
 *   label: Int16Array, epochs: Float32Array, at: Uint16Array, decoded?: Uint8Array
 * } & Record<string, PackedArray>} FilmArrays
 */

/** @typedef {{ facts: FilmFacts, arrays: FilmArrays }} PackedFilm */

// Geometry

/** @typedef {[x: number, y: number]} Point coordinates on the map */

/** @typedef {[left: number, top: number]} Pixel CSS pixels on an element */

/** @typedef {[left: number, bottom: number, right: number, top: number]} Bounds */

/** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Context */

// Images

/**
 * A part of a sheet.
 *
 * @typedef {object} Tile
 * @property {ArrayLike<number>} pixels of the whole sheet
 * @property {number} width of the whole sheet
 * @property {boolean} [grey] whether there is one number a pixel
 * @property {number} left
 * @property {number} top
 * @property {number} side
 * @property {boolean} [whole] whether it is a picture of any shape in a clear square
 */

/** @typedef {HTMLImageElement | HTMLCanvasElement} Picture a picture that stands alone */

/** @typedef {Tile | Picture | null | undefined} Image null while it is loading, undefined where there is none */

/**
 * An image that was brought to the map, pinned to its coordinates.
 *
 * @typedef {object} Mark
 * @property {number} x
 * @property {number} y
 * @property {string} name
 * @property {string | null} [picture] address of its picture
 * @property {Picture} [image] its picture, once it was asked for
 * @property {Grade} [grade]
 * @property {string[]} [lines] what is known of it besides its name
 * @property {string} [colour]
 * @property {number} [number] of an upload
 */

/**
 * Colours of the page, the paper also as a pixel, and its font.
 *
 * @typedef {{ paper: string, ink: string, background: number, font: string }} Theme
 */

/** @typedef {'dots' | 'over' | 'probe'} Layer what has to be painted again */

/** @typedef {(...layers: Layer[]) => void} Redraw */

/** @typedef {(words: string, again?: () => void) => void} Note says something over the map, with a way to try again */

export {}
