// The slider over the hours. One position is on its way at a time: dragging asks for the newest, never for a queue.
export default {
  template: `
    <div class="studio-timeline">
      <div class="studio-track">
        <canvas ref="marks" height="8" aria-hidden="true"></canvas>
        <input ref="range" type="range" min="0" :max="end" step="1" :value="value" data-testid="timeline"
          :aria-label="'Hour shown, of ' + end" :aria-valuetext="words" @input="drag" @change="drag"
          @pointerdown="held = true" @pointerup="held = false" @blur="held = false" :style="{ '--logged': logged / end }">
      </div>
    </div>`,
  props: { end: Number },
  emits: ["seek"],
  data() {
    return { value: 0, logged: 0, words: "", held: false, asked: null, wanted: null, marks: [] };
  },
  mounted() {
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(this.$refs.marks.parentElement);
  },
  unmounted() {
    this.watch.disconnect();
  },
  methods: {
    drag(event) {
      const cursor = Math.min(Number(event.target.value), this.logged);
      if (cursor !== Number(event.target.value)) event.target.value = cursor;
      if (cursor === this.asked || cursor === this.value && this.asked === null) return;
      if (this.asked !== null) this.wanted = cursor;
      else this.ask(cursor);
    },
    ask(cursor) {
      this.asked = cursor;
      this.wanted = null;
      clearTimeout(this.late);
      this.late = setTimeout(() => this.arrived(), 3000); // an answer that was lost must not hold the slider
      this.$emit("seek", cursor);
    },
    arrived() {
      clearTimeout(this.late);
      const wanted = this.wanted;
      this.asked = null;
      if (wanted !== null) this.ask(wanted);
    },
    show(content) {
      this.logged = content.logged;
      this.words = content.words;
      if (content.marks) {
        this.marks = content.marks;
        this.draw();
      }
      this.value = content.cursor;
      const far = this.wanted !== null || (this.held && this.asked !== null && this.asked !== content.cursor);
      if (!far) this.$refs.range.value = content.cursor;
      if (this.asked !== null) this.arrived();
    },
    draw() {
      const canvas = this.$refs.marks;
      const width = canvas.parentElement.clientWidth - 16; // the thumb is 16 px wide: its middle starts 8 px in
      const scale = window.devicePixelRatio || 1;
      canvas.width = Math.max(1, width * scale);
      canvas.height = 8 * scale;
      canvas.style.width = width + "px";
      const pen = canvas.getContext("2d");
      const style = getComputedStyle(canvas);
      const wide = Math.max(scale, canvas.width / this.end);
      for (const [step, kind] of this.marks) {
        pen.fillStyle = style.getPropertyValue(kind ? "--studio-change" : "--studio-beyond");
        pen.fillRect(((step + 0.5) / this.end) * canvas.width - wide / 2, kind ? 0 : canvas.height / 2, wide, canvas.height / 2);
      }
    },
  },
};
