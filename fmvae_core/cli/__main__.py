from fmvae_core.cli import main

main()
