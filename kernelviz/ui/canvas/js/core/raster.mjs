// Draws points and images into an array of pixels (0xAABBGGRR, as ImageData has them): no GPU, the same everywhere.

const PHASES = 4 // positions of a disc between two pixels, along each axis

export const [HIDDEN, FAINT, SHOWN] = [0, 1, 2] // ranks of points

/** A picture to draw into: `pixels` of `width` x `height`, `density` of them for each CSS pixel along a side. */
export class Picture {
  constructor(width, height, density, background) {
    this.density = density
    this.width = Math.max(1, Math.round(width * density))
    this.height = Math.max(1, Math.round(height * density))
    this.data = new ImageData(this.width, this.height)
    this.pixels = new Uint32Array(this.data.data.buffer)
    this.pixels.fill(background)
  }
}

/**
 * Draw the points of a rank, later ones on top.
 *
 * points: { x, y, paint, rank }, paint being the index of each point's colour in `colours`.
 * look: { radius (CSS pixels), opacity (0 to 1), soft }: discs with soft edges, or squares, which take less time.
 */
export function drawPoints(picture, view, points, rank, colours, { radius, opacity, soft }) {
  const stamps = soft ? discs(radius * picture.density, opacity) : square(radius * picture.density)
  const { x, y, paint, rank: ranks } = points
  const { width, height, pixels } = picture
  const scale = view.scale * picture.density
  const left = width / 2 - view.x * scale
  const top = height / 2 + view.y * scale
  const draw = soft ? blend : store
  for (let i = 0; i < x.length; i++) {
    if (ranks[i] !== rank) continue
    const px = x[i] * scale + left
    const py = top - y[i] * scale
    if (px < -stamps.reach || py < -stamps.reach || px > width + stamps.reach || py > height + stamps.reach) continue
    draw(pixels, width, height, px, py, stamps, colours[paint[i]])
  }
}

/** Cover each pixel of a square with a colour. */
function store(pixels, width, height, px, py, { side }, colour) {
  const left = Math.round(px - side / 2)
  const top = Math.round(py - side / 2)
  const right = Math.min(width, left + side)
  const bottom = Math.min(height, top + side)
  for (let row = Math.max(0, top); row < bottom; row++) {
    for (let at = row * width + Math.max(0, left); at < row * width + right; at++) pixels[at] = colour
  }
}

/** Lay a disc over what is there. */
function blend(pixels, width, height, px, py, { side, shares, reach }, colour) {
  const firstX = Math.floor(px) - reach
  const firstY = Math.floor(py) - reach
  const phase = Math.floor((py - Math.floor(py)) * PHASES) * PHASES + Math.floor((px - Math.floor(px)) * PHASES)
  const share = shares[phase]
  for (let row = Math.max(0, -firstY); row < side && firstY + row < height; row++) {
    const start = (firstY + row) * width + firstX
    const last = Math.min(side, width - firstX)
    for (let column = Math.max(0, -firstX); column < last; column++) {
      const part = share[row * side + column]
      if (part === 256) pixels[start + column] = colour
      else if (part) pixels[start + column] = mix(pixels[start + column], colour, part)
    }
  }
}

/** `share` of 256 parts of one colour over another; opaque. */
export function mix(under, over, share) {
  const [rb, g] = [under & 0xff00ff, under & 0xff00]
  const redBlue = (rb + (Math.imul((over & 0xff00ff) - rb, share) >>> 8)) & 0xff00ff
  const green = (g + (Math.imul((over & 0xff00) - g, share) >>> 8)) & 0xff00
  return (0xff000000 | redBlue | green) >>> 0
}

function square(radius) {
  const side = Math.max(1, Math.round(1.8 * radius))
  return { side, reach: side }
}

const made = new Map()

/** How much of each pixel a disc covers, in 256 parts, for each of its positions between the pixels. */
function discs(radius, opacity) {
  const name = `${radius.toFixed(2)} ${opacity.toFixed(3)}`
  if (made.has(name)) return made.get(name)
  const reach = Math.ceil(radius + 0.5)
  const side = 2 * reach + 1
  const shares = Array.from({ length: PHASES ** 2 }, (_, phase) => {
    const [x, y] = [phase % PHASES, Math.floor(phase / PHASES)].map((at) => reach - 0.5 + (at + 0.5) / PHASES)
    return Uint16Array.from({ length: side ** 2 }, (_, at) => {
      const distance = Math.hypot((at % side) - x, Math.floor(at / side) - y)
      return Math.round(256 * opacity * Math.min(1, Math.max(0, radius + 0.5 - distance)))
    })
  })
  if (made.size > 200) made.clear()
  made.set(name, { side, reach, shares })
  return made.get(name)
}

/**
 * Draw an image of a sheet with its middle at a pixel, `size` pixels wide.
 *
 * With a colour, the image is ink of that colour, as strong as the image is bright; without, it covers what is there.
 */
export function drawImage(picture, px, py, size, image, colour) {
  const { pixels, width, height } = picture
  const left = Math.round(px - size / 2)
  const top = Math.round(py - size / 2)
  const step = image.side / size
  for (let row = Math.max(0, -top); row < size && top + row < height; row++) {
    const source = (image.top + Math.floor((row + 0.5) * step)) * image.width + image.left
    for (let column = Math.max(0, -left); column < size && left + column < width; column++) {
      const found = image.pixels[source + Math.floor((column + 0.5) * step)]
      const at = (top + row) * width + left + column
      if (colour === undefined) pixels[at] = found
      else if (found & 0xff) pixels[at] = mix(pixels[at], colour, (found & 0xff) + 1)
    }
  }
}

/** Of places on the screen, those where images of `size` pixels do not overlap: of two that would, the first. */
export function apart(places, size) {
  const taken = new Map()
  return places.filter(({ px, py }) => {
    const [column, row] = [Math.floor(px / size), Math.floor(py / size)]
    for (let r = row - 1; r <= row + 1; r++) {
      for (let c = column - 1; c <= column + 1; c++) {
        const other = taken.get(`${c},${r}`)
        if (other && Math.abs(other.px - px) < size && Math.abs(other.py - py) < size) return false
      }
    }
    taken.set(`${column},${row}`, { px, py })
    return true
  })
}
