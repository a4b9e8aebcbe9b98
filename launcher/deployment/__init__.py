"""Deployment files, read: systemd units, Kubernetes manifests and a Compose file, and what is wrong with them."""
