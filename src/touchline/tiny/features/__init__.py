"""What comes before a model on a microcontroller: sound and motion → int8, the same bits in numpy and in C99."""

from touchline.tiny.features.imu import ImuWindow
from touchline.tiny.features.sound import LogMel, Mfcc

__all__ = ["ImuWindow", "LogMel", "Mfcc"]
