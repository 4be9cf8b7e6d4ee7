"""The look: neutral greys, one accent, the fonts of the system. What the browser loads comes from assets/app alone."""

from pathlib import Path

from gradio.themes import Base, Font, colors, sizes

ASSETS = Path(__file__).resolve().parents[1] / "assets" / "app"

TEXT = [Font("system-ui"), Font("-apple-system"), Font("Segoe UI"), Font("Roboto"), Font("sans-serif")]
MONO = [Font("ui-monospace"), Font("Consolas"), Font("Menlo"), Font("monospace")]


def theme() -> Base:
    """Gradio's base theme in our colours; everything else stands in assets/app/style.css."""
    own = Base(
        primary_hue=colors.sky, secondary_hue=colors.sky, neutral_hue=colors.neutral, text_size=sizes.text_md,
        spacing_size=sizes.spacing_md, radius_size=sizes.radius_sm, font=TEXT, font_mono=MONO,
    )  # fmt: skip
    return own.set(
        body_background_fill="#f6f6f5", body_background_fill_dark="#161617",
        background_fill_primary="#ffffff", background_fill_primary_dark="#1e1e20",
        background_fill_secondary="#f0f0ee", background_fill_secondary_dark="#252528",
        block_background_fill="transparent", block_background_fill_dark="transparent",
        block_border_width="0px", block_border_width_dark="0px", block_padding="0px", block_shadow="none",
        block_label_background_fill="transparent", block_label_background_fill_dark="transparent",
        block_label_border_width="0px", block_label_border_width_dark="0px", block_label_padding="0",
        body_text_color="#1c1c1e", body_text_color_dark="#ececec",
        body_text_color_subdued="#5c5c60", body_text_color_subdued_dark="#a9a9ae",
        block_info_text_color="#5c5c60", block_info_text_color_dark="#a9a9ae",
        block_label_text_color="#3a3a3d", block_label_text_color_dark="#cfcfd3",
        block_title_text_color="#3a3a3d", block_title_text_color_dark="#cfcfd3", block_title_text_weight="500",
        border_color_primary="#d4d4d0", border_color_primary_dark="#3c3c40",
        input_background_fill="#ffffff", input_background_fill_dark="#1e1e20",
        input_border_color="#8e8e93", input_border_color_dark="#77777d", input_border_width="1px",
        input_border_color_focus="#0369a1", input_border_color_focus_dark="#7cc4ee",
        button_primary_background_fill="#0369a1", button_primary_background_fill_hover="#075985",
        button_primary_background_fill_dark="#0369a1", button_primary_background_fill_hover_dark="#0a77b3",
        button_primary_text_color="#ffffff", button_primary_text_color_dark="#ffffff",
        button_secondary_background_fill="#ffffff", button_secondary_background_fill_dark="#2a2a2d",
        button_secondary_background_fill_hover="#ececea", button_secondary_background_fill_hover_dark="#353539",
        button_secondary_border_color="#8e8e93", button_secondary_border_color_dark="#77777d",
        button_secondary_text_color="#1c1c1e", button_secondary_text_color_dark="#ececec",
        button_border_width="1px",
        checkbox_label_background_fill="transparent", checkbox_label_background_fill_dark="transparent",
        layout_gap="16px",
    )  # fmt: skip


def styles() -> list[Path]:
    """Every style sheet, the frame's first."""
    return [ASSETS / "style.css", *sorted(path for path in ASSETS.glob("*.css") if path.name != "style.css")]


def scripts() -> str:
    """Every script, the frame's first, as one piece for the head of the page."""
    files = [ASSETS / "frame.js", *sorted(path for path in ASSETS.glob("*.js") if path.name != "frame.js")]
    return "".join(f"<script>\n{path.read_text(encoding='utf-8')}\n</script>" for path in files)
