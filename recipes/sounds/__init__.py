"""Sounds of a sports ground, made: whistles, cheering, applause and the rest, speech from recordings.

python -m recipes.sounds --speech fsdd/ --speech speech/ --out ../datasets/sound
"""
