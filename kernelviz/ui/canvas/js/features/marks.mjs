// Marks: images that were brought to a map, pinned to their places. { x, y, name, picture: an address, image }.

const THUMBNAILS = 40 // marks at most that show their pictures
const CROSSES = 400 // marks at most that are crosses; more are squares, which are quicker to draw
const MARK = 34 // pixels: side of a mark's picture

/** The picture of a mark, once it has come; `came` is called when it does. */
export function imageOf(mark, came) {
  if (!mark.image && mark.picture) {
    mark.image = new Image()
    mark.image.onload = came
    mark.image.src = mark.picture
  }
  return mark.image && mark.image.complete !== false && (mark.image.naturalWidth ?? 1) ? mark.image : null
}

/** Draw all marks; around the chosen one a ring. */
export function drawMarks(context, { view, marks, chosen, data, paper, came }) {
  for (const mark of marks) {
    const at = view.toScreen(mark.x, mark.y)
    if (marks.length > CROSSES) drawSquare(context, at, data.accent, mark.colour ?? paper)
    else drawCross(context, at, data.accent, paper)
  }
  if (marks.length <= THUMBNAILS) for (const mark of marks) drawThumbnail(context, view, mark, data.accent, came)
  if (chosen) drawRing(context, view.toScreen(chosen.x, chosen.y), data.accent, paper)
}

function drawSquare(context, [left, top], accent, colour) {
  context.fillStyle = accent
  context.fillRect(left - 3.5, top - 3.5, 7, 7)
  context.fillStyle = colour
  context.fillRect(left - 2, top - 2, 4, 4)
}

function drawCross(context, [left, top], accent, paper) {
  twice(context, accent, paper, () => {
    context.moveTo(left - 5, top - 5)
    context.lineTo(left + 5, top + 5)
    context.moveTo(left + 5, top - 5)
    context.lineTo(left - 5, top + 5)
  })
}

function drawRing(context, [left, top], accent, paper) {
  twice(context, accent, paper, () => context.arc(left, top, 11, 0, 2 * Math.PI))
}

/** A line in a colour, with an edge that shows it on any ground. */
export function twice(context, colour, edge, line) {
  for (const [width, style] of [
    [5, edge],
    [2.5, colour],
  ]) {
    context.beginPath()
    line()
    context.lineWidth = width
    context.strokeStyle = style
    context.stroke()
  }
}

function drawThumbnail(context, view, mark, accent, came) {
  const image = imageOf(mark, came)
  if (!image) return
  const [left, top] = view.toScreen(mark.x, mark.y)
  context.fillStyle = accent
  context.fillRect(left - MARK / 2 - 2, top - MARK - 12, MARK + 4, MARK + 4)
  drawCovering(context, image, left - MARK / 2, top - MARK - 10, MARK)
}

/** The middle of a picture over a square. */
export function drawCovering(context, image, left, top, side) {
  const [width, height] = [image.naturalWidth ?? image.width, image.naturalHeight ?? image.height]
  const taken = Math.min(width, height)
  context.imageSmoothingEnabled = taken > side // a small one is shown by its pixels
  context.drawImage(image, (width - taken) / 2, (height - taken) / 2, taken, taken, left, top, side, side)
}

/** Which mark is at a pixel; -1 for none. */
export function markAt({ view, marks }, [left, top]) {
  const above = marks.length > THUMBNAILS ? -MARK / 4 : -MARK - 12
  return marks.findLastIndex(({ x, y }) => {
    const [markLeft, markTop] = view.toScreen(x, y)
    const [right, down] = [left - markLeft, top - markTop]
    return Math.abs(right) < MARK / 2 && down < MARK / 4 && down > above
  })
}
