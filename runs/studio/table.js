// A table of text: names are text nodes, never markup. Rows are made once and filled again, hour by hour.
const PART = 5; // rows that are shown or left out of the layout together

// The letters of the longest word of a head, which is never broken; a column has room for five at least.
const longest = ({ title, unit }) => Math.max(5, ...`${title} ${unit}`.split(" ").map((word) => word.length));

export default {
  template: `
    <div class="studio-table-frame" tabindex="0" role="region" :aria-label="label">
      <table ref="table" role="table" class="studio-table"
        @click="pick" :style="{ '--columns': widths, minWidth: least }" :data-testid="testid"
        data-rows="0" data-count="0" data-step="-2">
        <caption>{{ label }} <span class="studio-note" ref="note"></span></caption>
        <thead hidden ref="head" role="rowgroup"><tr role="row">
          <th v-for="head in heads" scope="col" role="columnheader" :class="{ number: head.number }">
            {{ head.title }}<span class="studio-unit" v-if="head.unit">{{ head.unit }}</span>
          </th>
          <th v-if="action" scope="col" role="columnheader"><span class="studio-hidden">{{ action }}</span></th>
        </tr></thead>
      </table>
      <p class="studio-note" ref="rest">{{ empty }}</p>
    </div>`,
  props: { label: String, testid: String, columns: Array, action: String, empty: String },
  emits: ["pick"],
  data() {
    return { more: [] }; // columns that have something to say in this step only
  },
  computed: {
    heads() {
      return [...this.columns, ...this.more];
    },
    least() {
      const each = this.heads.map((column) => `max(${3.4 * column.width}em, ${longest(column)}ch)`);
      return `calc(${each.join(" + ")} + ${each.length * 10}px${this.action ? " + 3.2em" : ""})`; // narrower, it scrolls
    },
    widths() {
      const width = (column) => `minmax(${longest(column)}ch, ${column.width}fr)`;
      return [...this.heads.map(width), ...(this.action ? ["3.2em"] : [])].join(" ");
    },
  },
  created() {
    Object.assign(this, { rows: [], ids: [] }); // not reactive
  },
  mounted() {
    // Rows far from what is seen cost as much to lay out as those that are. Find-in-page and scrolling bring them back.
    const near = (part) => (part.target.hidden = part.isIntersecting ? false : "until-found");
    this.nearby = new IntersectionObserver((parts) => parts.forEach(near), { scrollMargin: "120px" });
  },
  unmounted() {
    this.nearby.disconnect();
  },
  methods: {
    show({ step, rows, ids, marks, count, note, more }) {
      const { table, head, rest } = this.$refs;
      this.ids = ids;
      if (JSON.stringify(more) !== JSON.stringify(this.more)) {
        this.more = more;
        while (this.rows.length) this.rows.pop().remove();
      }
      while (this.rows.length > rows.length) this.rows.pop().remove();
      rows.forEach((texts, place) => this.fill(this.rows[place] || this.make(table, place), texts, marks[place] || ""));
      head.hidden = !rows.length;
      const left = count > rows.length ? `The first ${rows.length} of ${count}; the CSV has all.` : "";
      rest.textContent = rows.length ? left : this.empty;
      this.$refs.note.textContent = note;
      Object.assign(table.dataset, { rows: rows.length, count, step });
      table.ariaRowCount = count + 1;
    },
    make(table, place) {
      const body = table.tBodies[Math.floor(place / PART)] || this.part(table);
      const row = body.insertRow();
      row.role = "row";
      this.rows.push(row);
      for (const column of this.heads) {
        const cell = row.insertCell();
        cell.role = "cell";
        if (column.number) cell.className = "number";
        cell.append("");
      }
      if (this.action) {
        const button = Object.assign(document.createElement("button"), { type: "button", className: "studio-link" });
        button.textContent = this.action;
        button.dataset.place = place;
        const cell = row.insertCell();
        cell.role = "cell";
        cell.append(button);
      }
      return row;
    },
    part(table) {
      const body = table.createTBody();
      body.role = "rowgroup";
      if (table.tBodies.length > 1) body.hidden = "until-found";
      this.nearby.observe(body);
      return body;
    },
    fill(row, texts, mark) {
      texts.forEach((text, column) => {
        const node = row.cells[column].firstChild;
        if (node.data !== text) node.data = text;
      });
      if (row.className !== mark) row.className = mark;
      if (this.action) row.lastChild.firstChild.ariaLabel = `${this.action} ${texts.slice(0, 2).join(" ")}`;
    },
    pick(event) {
      const place = event.target.dataset.place;
      if (place !== undefined) this.$emit("pick", this.ids[place]);
    },
  },
};
