"""What is simulated: the schema, the bundled scenarios and studies, profiles and builders."""
