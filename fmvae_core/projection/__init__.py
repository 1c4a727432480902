"""UMAP of a bundle's landmarks, fitted once in a short-lived process and kept in the cache."""
