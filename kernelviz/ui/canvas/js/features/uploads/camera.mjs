// A picture from the camera.

import { contextOf } from '../../core/raster.mjs'
import { messageOf } from '../../core/fetching.mjs'
import { button, element } from '../../ui/dom.mjs'

const LARGEST = 1920 // pixels: what the camera is asked for

/**
 * @typedef {object} CameraHandle
 * @property {(picture: Blob) => void} keep is called with a picture
 * @property {(why: string) => void} failed is called where there is no camera
 */

export class Camera {
  /** @param {CameraHandle} handle */
  constructor({ keep, failed }) {
    this.keep = keep
    this.failed = failed
    this.opened = 0 // how often it was opened or closed
    this.video = element('video', { autoplay: true, muted: true, playsInline: true })
    this.node = element(
      'div',
      { className: 'sketch', hidden: true },
      this.video,
      element(
        'div',
        { className: 'walk' },
        button('Take it', 'Take a picture and place it', () => this.take()),
        button('Close', 'Close the camera', () => void this.show(false)),
      ),
    )
  }

  /** @param {boolean} open */
  async show(open) {
    this.node.hidden = !open
    const opened = ++this.opened
    stop(/** @type {MediaStream | null} */ (this.video.srcObject))
    this.video.srcObject = null
    if (!open) return
    try {
      const wanted = { facingMode: 'environment', width: { ideal: LARGEST } }
      const stream = await navigator.mediaDevices.getUserMedia({ video: wanted })
      if (this.opened !== opened)
        stop(stream) // closed meanwhile
      else this.video.srcObject = stream
    } catch (error) {
      this.node.hidden = true
      this.failed(`There is no picture from a camera: ${messageOf(error)}. Allow it in the browser, or choose a file.`)
    }
  }

  take() {
    const { videoWidth: width, videoHeight: height } = this.video
    if (!width) return // it has not begun yet
    const canvas = element('canvas', { width, height })
    contextOf(canvas).drawImage(this.video, 0, 0)
    canvas.toBlob((picture) => picture && this.keep(picture), 'image/jpeg', 0.92)
  }
}

/** @param {MediaStream | null} stream */
function stop(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop()
}
