"""Pictures and charts: Plotly figures, colours, sheets of images, densities."""
