"""The Stormshield configuration language: read a ConfigFiles tree, check it, predict with it."""
