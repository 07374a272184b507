// A picture from the camera.

import { button, element } from '../../ui/dom.mjs'

const LARGEST = 1920 // pixels: what the camera is asked for

export class Camera {
  /** `keep(picture)` is called with a picture, `failed(why)` where there is no camera. */
  constructor({ keep, failed }) {
    Object.assign(this, { keep, failed })
    this.video = element('video', { autoplay: true, muted: true, playsInline: true })
    this.node = element(
      'div',
      { className: 'drawing', hidden: true },
      this.video,
      element(
        'div',
        { className: 'walk' },
        button('Take it', 'Take a picture and place it', () => this.take()),
        button('Close', 'Close the camera', () => this.show(false)),
      ),
    )
  }

  async show(open) {
    this.node.hidden = !open
    const asked = (this.asked = {})
    for (const track of this.video.srcObject?.getTracks() ?? []) track.stop()
    this.video.srcObject = null
    if (!open) return
    try {
      const wanted = { facingMode: 'environment', width: { ideal: LARGEST } }
      const stream = await navigator.mediaDevices.getUserMedia({ video: wanted })
      if (this.asked !== asked) stream.getTracks().forEach((track) => track.stop()) // closed meanwhile
      else this.video.srcObject = stream
    } catch (error) {
      this.node.hidden = true
      this.failed(`There is no picture from a camera: ${error.message}. Allow it in the browser, or choose a file.`)
    }
  }

  take() {
    const { videoWidth: width, videoHeight: height } = this.video
    if (!width) return // it has not begun yet
    const canvas = element('canvas', { width, height })
    canvas.getContext('2d').drawImage(this.video, 0, 0)
    canvas.toBlob((picture) => this.keep(picture), 'image/jpeg', 0.92)
  }
}
