// Search in pages that were opened from the disk, for which browsers start no worker: the worker's script runs in a
// hidden frame of the page. Served pages are left alone.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.appendChild(frame)
      const inside = frame.contentWindow
      this.loaded = new Promise(resolve => {
        inside.postMessage = data => this.dispatchEvent(new MessageEvent("message", { data }))
        const script = inside.document.createElement("script")
        script.src = url
        script.onload = () => resolve(inside)
        inside.document.body.appendChild(script)
      })
    }
    postMessage(data) {
      this.loaded.then(inside => inside.dispatchEvent(new inside.MessageEvent("message", { data })))
    }
  }
}
