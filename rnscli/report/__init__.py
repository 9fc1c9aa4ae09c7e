"""From rows to tables, documents, schemas and requirements."""
