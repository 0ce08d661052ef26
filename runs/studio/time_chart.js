// A chart over time: ECharts, and over it a line at the step that is shown, which moves without a new picture.

import { echarts } from "nicegui-echart";
import { toRaw } from "vue";

const STYLE = `@layer components {
  .time-chart { position: relative; overflow: hidden; }
  .time-chart__field { position: absolute; inset: 0; }
  .time-chart__line { position: absolute; width: 0; border-left: 2px solid; pointer-events: none; margin-left: -1px; }
  .time-chart__label { position: absolute; bottom: 100%; left: 0; transform: translateX(-50%); padding: 0 5px;
    border-radius: 3px; font-size: 11px; line-height: 16px; white-space: nowrap; }
}`;

export default {
  template: `
    <div class="time-chart" role="img">
      <div class="time-chart__field" ref="field"></div>
      <div class="time-chart__line" ref="line" hidden><span class="time-chart__label" ref="label"></span></div>
    </div>`,
  props: { options: Object, enable3d: Boolean, renderer: String, theme: String, unit: String, cursor: Object },
  mounted() {
    if (!document.getElementById("time-chart-style")) {
      document.head.append(Object.assign(document.createElement("style"), { id: "time-chart-style", textContent: STYLE }));
    }
    Object.assign(this, { chart: echarts.init(this.$refs.field), at: this.cursor, painted: 0 });
    this.chart.on("datazoom", () => this.place());
    this.sizes = new ResizeObserver(() => {
      this.chart.resize();
      this.place();
    });
    this.sizes.observe(this.$refs.field);
    this.update_chart();
  },
  unmounted() {
    this.sizes.disconnect();
    this.chart.dispose();
  },
  methods: {
    update_chart() {
      const options = toRaw(this.options);
      const spoken = (value) => (value == null ? "none" : `${Number(value.toPrecision(6))} ${this.unit}`);
      this.chart.setOption({ ...options, tooltip: { ...options.tooltip, valueFormatter: spoken } }, { notMerge: true });
      this.$el.dataset.curves = options.legend.data.length;
      this.$el.dataset.points = options.dataset.reduce((sum, { source }) => sum + source.time.length, 0);
      this.place();
    },
    run_chart_method(name, ...args) {
      return this.chart[name](...args);
    },
    move(cursor) {
      this.at = cursor;
      this.place();
    },
    place() {
      const { line, label } = this.$refs;
      const grid = this.chart.getModel().getComponent("grid")?.coordinateSystem.getRect();
      const x = this.at && grid ? this.chart.convertToPixel({ xAxisIndex: 0 }, this.at.time) : NaN;
      line.hidden = !(x >= grid?.x - 1 && x <= grid.x + grid.width + 1);
      if (!line.hidden) {
        Object.assign(line.style, { left: `${x}px`, top: `${grid.y}px`, height: `${grid.height}px` });
        line.style.borderColor = label.style.background = this.at.colour;
        label.style.color = this.at.ground;
        label.textContent = this.at.label;
      }
      this.$el.dataset.cursor = line.hidden ? "" : this.at.label;
      this.report();
    },
    // Count what is on the screen, after the frame in which it was painted.
    report() {
      requestAnimationFrame(() => {
        const behind = new MessageChannel();
        behind.port1.onmessage = () => {
          this.$el.dataset.painted = this.painted += 1;
          performance.clearMarks("time-chart-painted");
          performance.mark("time-chart-painted", { detail: { cursor: this.at?.label, painted: this.painted } });
        };
        behind.port2.postMessage(null);
      });
    },
    picture(filename, ground) {
      const look = { type: "png", pixelRatio: 2, backgroundColor: ground, excludeComponents: ["toolbox"] };
      Object.assign(document.createElement("a"), { href: this.chart.getDataURL(look), download: filename }).click();
    },
  },
};
