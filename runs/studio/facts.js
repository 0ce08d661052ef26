// Figures with their names and units, side by side.
export default {
  template: `
    <dl class="studio-facts" :aria-label="label" :data-testid="testid" :data-step="step">
      <div v-for="fact in facts" :key="fact.name" :class="fact.mark" :data-fact="fact.key">
        <dt>{{ fact.name }}</dt>
        <dd><b>{{ fact.value }}</b> <span class="studio-unit">{{ fact.unit }}</span><small v-if="fact.note">{{ fact.note }}</small></dd>
      </div>
    </dl>`,
  props: { label: String, testid: String },
  data() {
    return { facts: [], step: -1 };
  },
  methods: {
    show(content) {
      Object.assign(this, content);
    },
  },
};
