"""What the picture viewer says."""

BUTTONS = (
    ("out", "−", "Smaller: -"),
    ("in", "+", "Larger: +"),
    ("fit", "Fit", "Whole picture: ="),
    ("one", "1:1", "Real size and back: Z"),
    ("rotate", "⟳", "A quarter turn: R"),
    ("across", "⇄", "Left and right exchanged: H"),
    ("over", "⇅", "Top and bottom exchanged: V"),
    ("invert", "Invert", "Light and dark exchanged: I"),
    ("window", "Window", "Drag to change which greys are seen, here or with the right button: W"),
    ("lens", "Lens", "Magnifier: M"),
    ("tone", "Light…", "Windows, brightness, contrast"),
)
"""(what it does, what stands on it, what it is for and its key) of each button."""

PRESETS = {
    "HU": ("Soft tissue", "Lung", "Liver", "Bone", "Brain"),
    "percent": ("All greys", "Dark parts", "Middle", "Bright parts", "Steep"),
}
"""Names of the windows of Shift+1 to Shift+5; their figures stand in assets/app/viewer_tone.js."""
PRESET = "{name}: Shift+{number}"
SLIDERS = (("brightness", "Brightness"), ("contrast", "Contrast"))
RESET = ("reset", "As it was", "Window, brightness and contrast as they came")
TONE = "Windows, brightness, contrast"
TOOLS = "Picture"
FAILED = "This picture cannot be shown."
BURNED_IN = "Names or dates may be written into this picture. Look for them, and black them out."
